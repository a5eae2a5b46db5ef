//! Images that tools give back: from the agent's line through the log to what a run prints.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what a test needs fails by panicking"
)]

use betcode_core::event::Base64;
use betcode_testkit::replay::plan::Plan;
use betcode_testkit::replay::transcript::Transcript;
use betcode_testkit::{Output, Profile};
use serde_json::{Value, json};

use crate::profile;
use crate::protocol::{events, only_session};

/// What a run prints in which a tool gives this image back.
fn shown_an_image(profile: &Profile, image: &[u8]) -> Output {
    let recorded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/agents/claude-code-2.1.330-driven/image_out.ndjson"
    );
    let recorded = std::fs::read_to_string(recorded).unwrap();
    let (_, dot) = recorded.split_once(r#""data":""#).unwrap();
    let (dot, _) = dot.split_once('"').unwrap();
    let mine = recorded.replace(
        &format!(r#""data":"{dot}""#),
        &format!(r#""data":"{}""#, Base64::of(image).text()),
    );
    assert_ne!(mine, recorded);
    let file = profile.work().join("image_out.ndjson");
    std::fs::write(&file, mine).unwrap();
    let plan = Plan::of(&Transcript::read(&file).unwrap());
    let prompt = plan.first_message().unwrap().to_owned();
    let program = betcode_testkit::program("betcode-testkit", "betcode-replay");
    let record = profile.work().join("played");
    let [program, file, record] = [program, file, record].map(|path| path.display().to_string());
    let agent = shell_words::join([&program, "--play", &file, "--record", &record, "--mark"]);
    let flags = ["-p", "--agent", "claude", "--output-format", "stream-json"];
    profile
        .betcode(
            flags
                .into_iter()
                .chain(["--allowed-tools", "Bash,Edit,Read"]),
        )
        .env("BETCODE_AGENT_CLAUDE_COMMAND", agent)
        .stdin(prompt)
        .run()
        .expect(0)
}

/// What the last result of a tool gave back.
fn given_back(output: &Output) -> Value {
    let lines = output.json_lines();
    let mut results = lines.iter().rev().filter(|line| line["type"] == "user");
    let last = results.next();
    let last = last.unwrap_or_else(|| panic!("{}\n{}", output.stdout, output.stderr));
    last["message"]["content"][0]["content"].clone()
}

#[test]
fn an_image_that_a_tool_gives_back_is_kept_beside_its_result_and_printed_as_claude_does() {
    // One that every event could hold, and one that none could.
    for size in [10, 3_000_000] {
        let profile = profile();
        let image = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![7; size]].concat();
        let output = shown_an_image(&profile, &image);
        let source = json!({
            "type": "base64", "media_type": "image/png", "data": Base64::of(&image).text(),
        });
        assert_eq!(
            given_back(&output),
            json!([{"type": "image", "source": source}])
        );

        let results = events(&profile, "tool_call_result");
        let result = results.last().unwrap();
        assert_eq!(result["output"], "[image: image/png]");
        assert_eq!(
            result["attachments"],
            json!([{"name": "image-1", "media_type": "image/png", "size": image.len()}])
        );
        let sequence = result["sequence"].to_string();
        let session = only_session(&profile);
        let fetch = format!(
            "{} session payload {session} {sequence} attachments/0 > b.png",
            profile.program().display()
        );
        profile.shell(&fetch).run().expect(0);
        assert_eq!(std::fs::read(profile.work().join("b.png")).unwrap(), image);
    }
}

#[test]
fn an_image_that_is_too_large_to_be_kept_is_named_and_somebody_is_told() {
    let profile = profile();
    let start = profile.betcode(["daemon", "start"]);
    start.env("BETCODE_PAYLOAD_LIMIT", "1MiB").run().expect(0);
    let image = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![7; 2_000_000]].concat();
    let output = shown_an_image(&profile, &image);
    let named = json!([{"type": "text", "text": "[image: image/png]"}]);
    assert_eq!(given_back(&output), named);
    let note = "note: attachments/0 has 2000008 bytes, of which 0 are kept (the setting session.payload_limit)";
    assert!(output.stderr.contains(note), "{}", output.stderr);
    let results = events(&profile, "tool_call_result");
    let kept = &results.last().unwrap()["previews"][0];
    assert_eq!(kept["stored"], 0, "{kept}");
}

/// The smallest PNG that a decoder takes: one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[test]
fn an_image_that_is_dropped_on_the_screen_is_sent_along() {
    let profile = profile();
    let file = profile.work().join("a shot.png");
    let bytes = Base64::read(PIXEL).unwrap().bytes();
    std::fs::write(&file, &bytes).unwrap();
    std::fs::write(profile.work().join("no.png"), "text").unwrap();
    let mut screen = profile.betcode([]).on_screen(100, 30);
    screen.wait_for("say something to");
    let paste = |text: &str| format!("\x1b[200~{text}\x1b[201~");
    let dropped = file.display().to_string().replace(' ', "\\ ");
    screen.send(paste("look at ").as_bytes());
    screen.wait_for("> look at");
    screen.send(paste(&dropped).as_bytes());
    screen.wait_for("look at [image: a shot.png]");
    screen.send(b"\r");
    screen.wait_for("[a shot.png]");
    screen.wait_for("say something to");
    screen.send(paste("/image no.png").as_bytes());
    screen.wait_for("/image no.png");
    screen.send(b"\r");
    screen.wait_for("this is no PNG, JPEG, GIF or WebP image");
    let said = events(&profile, "user_input");
    let said = &said[0];
    assert_eq!(said["text"], "look at [image: a shot.png]");
    assert_eq!(said["attachments"][0]["name"], "a shot.png");
    assert_eq!(said["attachments"][0]["size"], bytes.len());
}

//! A planted token is in nothing that can be printed, kept or shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use betcode_core::time::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use usage_core::credentials::{Credentials, read_claude, read_codex};
use usage_core::failure::Failure;
use usage_core::format::{self, Paint, Shown};
use usage_core::planner::{Effect, Input, Memory, Planner, Settings};
use usage_core::provider::{Reply, provider};
use usage_core::reading::{Account, ProviderId, Source};

const PLANTED: &str = "sk-ant-oat01-PLANTED-0123456789";
const NOW: Timestamp = Timestamp(1_795_280_000_000_000);

/// Everything that a planner says and keeps while a source fails in this way.
fn told(credentials: &Credentials, failure: &Failure) -> String {
    let settings = Settings {
        sources: vec![Source::OauthUsage, Source::GetUsage],
        credentials_are_watched: true,
    };
    let login = credentials.login();
    let mut planner = Planner::new(NOW, settings, Memory::default(), login.clone());
    let mut told = format!("{credentials:?} {login:?} {failure} {failure:?}");
    for _ in 0..8 {
        while let Some(effect) = planner.poll_effect() {
            let _ = write!(told, "{effect:?}");
            match effect {
                Effect::Pull { job, .. } => {
                    let result = Err(failure.clone());
                    planner.handle(NOW, Input::Finished { job, result });
                }
                Effect::ReadCredentials => planner.handle(NOW, Input::Credentials(login.clone())),
                _ => {}
            }
        }
        if let Some(due) = planner.poll_timeout() {
            planner.handle_timeout(due);
        }
    }
    let view = planner.view(NOW);
    let shown = Shown {
        state: &view.state,
        readings: &view.readings,
        paces: &BTreeMap::new(),
        chosen: None,
        waiting: 0,
        now: NOW,
        zone: &TimeZone::UTC,
    };
    let forms = [
        format::bars(&shown, Paint::Plain),
        format::line(&shown, Paint::Plain),
        format::tooltip(&shown),
        format::waybar(&shown).to_string(),
        format::json(&view.state, &view.readings).to_string(),
        serde_json::to_string(planner.memory()).unwrap(),
    ];
    let _ = write!(told, "{planner:?} {view:?} {}", forms.concat());
    told
}

#[test]
fn a_planted_token_is_printed_and_kept_nowhere() {
    let claude = json!({"claudeAiOauth": {"accessToken": PLANTED, "refreshToken": PLANTED, "expiresAt": 1_895_280_000_000_i64}});
    let codex =
        json!({"tokens": {"access_token": PLANTED, "refresh_token": PLANTED, "id_token": PLANTED}});
    let stores = [
        read_claude(claude.to_string().as_bytes()),
        read_codex(codex.to_string().as_bytes()),
    ];
    // Services and programs that answer with what they were given.
    let echo = json!({"error": {"type": PLANTED, "message": PLANTED}, "five_hour": PLANTED, "rate_limits": PLANTED}).to_string();
    let refusal =
        json!({"type": "control_response", "response": {"subtype": "error", "error": PLANTED}})
            .to_string();
    let codex_refusal = json!({"id": 1, "error": {"message": PLANTED}}).to_string();
    let mut failures = Vec::new();
    for id in [ProviderId::Claude, ProviderId::Codex] {
        let provider = provider(id);
        for source in provider.sources() {
            for body in [&echo, &refusal, &codex_refusal, &PLANTED.to_owned()] {
                let body = body.as_bytes();
                let replies = [200, 401, 403, 429, 500].map(|status| Reply::Http {
                    status,
                    retry_after: Some(PLANTED),
                    body,
                });
                for reply in replies.into_iter().chain([Reply::Output(body)]) {
                    let read = provider.read(*source, &Account("default".into()), reply, NOW);
                    failures.extend(read.err());
                }
            }
        }
    }
    assert!(failures.len() > 20);
    for store in &stores {
        assert!(matches!(store, Credentials::Token(token) if token.secret.reveal() == PLANTED));
        for failure in &failures {
            let told = told(store, failure);
            assert!(!told.contains("PLANTED"), "{failure:?}");
        }
    }
}

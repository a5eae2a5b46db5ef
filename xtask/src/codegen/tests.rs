//! Generation, drift and repair on a throw-away tree.

use super::*;

const TARGET: Target = Target {
    protos: "proto/sample/v1",
    output: "generated",
};

const SAMPLE: &str = r#"syntax = "proto3";
package sample.v1;

import "google/protobuf/timestamp.proto";

// Says how things are.
service SampleService {
  // Follows everything.
  rpc Follow(FollowRequest) returns (stream FollowResponse);
}

// Asks to follow.
message FollowRequest {
  // Where to start.
  uint64 after = 1;
}

// One answer.
message FollowResponse {
  // The encoded rows.
  bytes rows = 1;
  // When it was made.
  google.protobuf.Timestamp made = 2;
}
"#;

fn tree(proto: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join(TARGET.protos)).unwrap();
    std::fs::write(root.path().join(TARGET.protos).join("sample.proto"), proto).unwrap();
    root
}

#[test]
fn code_holds_client_server_comments_and_shared_bytes() {
    let root = tree(SAMPLE);
    let files = generate(root.path(), &TARGET).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["sample.v1.rs"]);
    let code = &files["sample.v1.rs"];
    assert!(code.starts_with(HEADER), "{code}");
    for part in [
        "/// The encoded rows.",
        "pub rows: ::prost::bytes::Bytes",
        "::prost_types::Timestamp",
        "pub struct SampleServiceClient<T>",
        "pub trait SampleService",
        "/// Follows everything.",
    ] {
        assert!(code.contains(part), "no `{part}` in\n{code}");
    }
}

#[test]
fn the_same_protos_give_the_same_bytes() {
    let root = tree(SAMPLE);
    assert_eq!(
        generate(root.path(), &TARGET).unwrap(),
        generate(root.path(), &TARGET).unwrap()
    );
}

#[test]
fn an_update_leaves_no_drift_and_an_edit_is_drift() {
    let root = tree(SAMPLE);
    let generated = Path::new("generated/sample.v1.rs");
    assert_eq!(update(root.path(), &TARGET).unwrap(), [generated]);
    assert_eq!(compare(root.path(), &TARGET).unwrap(), []);

    let path = root.path().join(generated);
    let edited = std::fs::read_to_string(&path).unwrap() + "// one more line\n";
    std::fs::write(&path, edited).unwrap();
    let found = compare(root.path(), &TARGET).unwrap();
    assert_eq!(found[0].0, Drift::Stale(generated.to_path_buf()));
}

#[test]
fn code_without_a_proto_is_an_orphan_and_goes_away() {
    let root = tree(SAMPLE);
    update(root.path(), &TARGET).unwrap();
    let orphan = root.path().join("generated/gone.v1.rs");
    std::fs::write(&orphan, "").unwrap();
    assert_eq!(
        update(root.path(), &TARGET).unwrap(),
        [Path::new("generated/gone.v1.rs")]
    );
    assert!(!orphan.exists());
}

#[test]
fn a_broken_proto_is_named_with_what_is_wrong() {
    let root =
        tree("syntax = \"proto3\";\npackage sample.v1;\nmessage Broken { Missing field = 1; }\n");
    let message = format!("{:#}", generate(root.path(), &TARGET).unwrap_err());
    assert!(
        message.contains("sample.proto") && message.contains("Missing"),
        "{message}"
    );
}

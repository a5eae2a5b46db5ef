//! Lines about the agent itself and about what happens beside its answers.

use betcode_core::event::McpServer;
use betcode_core::observation::{AgentDescription, Observation};
use serde_json::{Value, json};

use super::told;

/// What the agent says it is in an `init` line with these keys.
fn init(more: &Value) -> AgentDescription {
    let mut line =
        json!({"type": "system", "subtype": "init", "session_id": "s", "model": "m", "tools": []});
    let fields = line.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    match told(&[line]).as_slice() {
        [Observation::Described(description)] => (**description).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn servers_of_tools_are_told_once_and_the_rest_as_the_agent_calls_it() {
    let server = |name: &str, status: &str, source: &str| McpServer {
        name: name.to_owned(),
        status: status.to_owned(),
        source: source.to_owned(),
    };
    let said = init(&json!({
        "mcp_servers": [{"name": "a", "status": "failed", "source": "user", "later": 1}, {"name": "b", "status": "connected"}],
        "skills": ["s"], "output_style": "default",
    }));
    let servers = [server("a", "failed", "user"), server("b", "connected", "")];
    assert_eq!(said.mcp_servers.as_deref(), Some(servers.as_slice()));
    let rest = json!({"skills": ["s"], "output_style": "default"});
    assert_eq!(said.particulars, Some(rest));

    // Servers that went away are none; what is of another form spoils nothing.
    assert_eq!(init(&json!({"mcp_servers": []})).mcp_servers, Some(vec![]));
    assert_eq!(init(&json!({"mcp_servers": "many"})).mcp_servers, None);
    assert_eq!(init(&json!({})).mcp_servers, None);
    let odd = init(
        &json!({"mcp_servers": [3, {"name": "a", "status": null}, {"name": "b", "status": "connected"}]}),
    );
    assert_eq!(odd.mcp_servers.as_deref(), Some(&servers[1..]));
}

//! A model without a model: an HTTP server on loopback that speaks as much of the Anthropic Messages API as Claude Code
//! asks of it, and answers from a [`Script`].
//!
//! How a reply is found: the newest message of the user that contains a cue of the script names the scene; the number of
//! the assistant's messages after it says which of the scene's replies is next. So the server keeps no conversation, and
//! a resumed or repeated request gets the same answer.
//!
//! It judges nothing: what was asked is kept, see [`FakeModel::asked`]. It is not for load: one thread a connection.
//!
//! `http` reads requests and writes responses, `script` says what to answer, `reply` writes it as the API does, and
//! `responses` does so for agents that speak the `Responses` API of another vendor only.

mod http;
mod reply;
mod responses;
mod script;

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

pub use script::{Fault, Reply, Scene, Script};

use http::Request;
use script::Chosen;

/// The server. Dropping it ends it.
#[derive(Debug)]
pub struct FakeModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// One request for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The cue that chose the scene; empty when none did.
    pub cue: String,
    /// The status with which it was answered.
    pub status: u16,
    /// How many messages the conversation had.
    pub messages: usize,
    /// What tools gave back in the whole conversation, the newest last.
    pub results: Vec<String>,
    /// The request itself, as JSON.
    pub text: String,
}

#[derive(Debug)]
struct Shared {
    script: Script,
    asked: Mutex<Vec<Asked>>,
    over: AtomicBool,
}

impl FakeModel {
    /// Listens on a free port of the loopback address.
    pub fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script,
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::Builder::new()
            .name("fake-model".to_owned())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// What `ANTHROPIC_BASE_URL` has to be.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request for an answer so far.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which looks at the flag then.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // The connection's thread ends when the client closes it.
        let _ = thread::Builder::new()
            .name("fake-model-call".to_owned())
            .spawn(move || serve(stream, &shared));
    }
}

/// Answers requests on one connection until it ends; a client that goes away in the middle is no error.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    while let Some(request) = Request::read(&mut input, &mut output)? {
        shared.answer(&request, &mut output)?;
    }
    Ok(())
}

impl Shared {
    fn answer(&self, request: &Request, output: &mut impl io::Write) -> io::Result<()> {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/messages") => self.message(&body, output),
            ("POST", "/v1/responses") => self.response(&body, output),
            ("POST", "/v1/messages/count_tokens") => {
                let tokens = (request.body.len() / 4).max(1);
                http::json(output, 200, &[], &json!({ "input_tokens": tokens }))
            }
            ("GET", "/v1/models") => {
                let list =
                    json!({"data": [], "has_more": false, "first_id": null, "last_id": null});
                http::json(output, 200, &[], &list)
            }
            ("HEAD", _) => http::empty(output),
            _ => http::json(output, 200, &[], &json!({})),
        }
    }

    /// What the script answers. It is kept that it was asked.
    fn chosen(&self, body: &Value) -> Chosen {
        let chosen = self.script.choose(body);
        let status = match &chosen {
            Chosen::Aside(_) => None,
            Chosen::Reply { .. } => Some(200),
            Chosen::Failure { status, .. } => Some(*status),
        };
        if let Some(status) = status {
            let asked = Asked {
                cue: chosen.cue().to_owned(),
                status,
                messages: body
                    .get("messages")
                    .and_then(Value::as_array)
                    .map_or(0, Vec::len),
                results: script::tool_results(body),
                text: body.to_string(),
            };
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(asked);
        }
        chosen
    }

    fn response(&self, body: &Value, output: &mut impl io::Write) -> io::Result<()> {
        match self.chosen(&responses::conversation(body)) {
            Chosen::Aside(text) => responses::write(output, body, &Reply::text(text)),
            Chosen::Reply { reply, .. } => responses::write(output, body, &reply),
            Chosen::Failure {
                status,
                retry_after,
                ..
            } => reply::failure(output, status, retry_after),
        }
    }

    fn message(&self, body: &Value, output: &mut impl io::Write) -> io::Result<()> {
        let chosen = self.chosen(body);
        match chosen {
            Chosen::Aside(text) => reply::write(output, body, &Reply::text(text)),
            Chosen::Reply {
                reply,
                fault: Some(fault),
                ..
            } => reply::broken(output, body, &reply, fault),
            Chosen::Reply { reply, .. } => reply::write(output, body, &reply),
            Chosen::Failure {
                status,
                retry_after,
                ..
            } => reply::failure(output, status, retry_after),
        }
    }
}

#[cfg(test)]
mod tests;

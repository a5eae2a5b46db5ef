//! What the use of plans needs from this machine: a connection to the providers' endpoints, and what the host says about
//! its network and its sleep. When to ask, and what an answer means, is not decided here.

pub mod host;
pub mod http;

//! Agent programs on this machine: which one a new session gets and how it is started ([`resolve()`]), and what is known about
//! an installed one ([`probe`]). Running them is not done here.

pub mod probe;
pub mod resolve;

pub use resolve::{Resolved, resolve};

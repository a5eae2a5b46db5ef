//! Every target on its seeds and on a little damage to them, as any test runs. What needs an engine: `cargo xtask fuzz`.

mod growth;
mod seeds;

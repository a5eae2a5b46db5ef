//! Claude Code's parser and driver against every recorded session.

mod frames;
mod laws;
mod noise;
mod snapshots;
mod transcript;

//! A small disk for the state: it runs full when it is told to, whatever has been written by then, and has room again.
//!
//! It is a `tmpfs` whose size is set anew, so nothing has to be written to fill it. It is gone with the mount namespace of
//! this process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::statvfs;

/// Its size while there is room. It takes memory only for what is written.
const ROOM: u64 = 4 << 30;
/// A disk to which somebody writes grows between the look and the limit, on a busy machine by a lot: each attempt leaves more.
const ATTEMPTS: u64 = 20;
const GROWTH: u64 = 256 << 10;

/// One that is mounted.
#[derive(Debug)]
pub(super) struct Disk {
    at: PathBuf,
    /// How often it ran full.
    pub(super) filled: u64,
}

impl Disk {
    /// Mounts it over a directory that is there.
    pub(super) fn mount(at: &Path) -> Result<Self> {
        let disk = Self {
            at: at.to_owned(),
            filled: 0,
        };
        let options = format!("size={ROOM},mode=0700");
        let done = disk.run(&["-t", "tmpfs", "-o", &options, "none"])?;
        ensure!(done, "cannot mount a disk at {}", at.display());
        Ok(disk)
    }

    /// Leaves room for so many bytes from now on.
    pub(super) fn fill(&mut self, leave: u64) -> Result<()> {
        for attempt in 0..ATTEMPTS {
            let disk = statvfs(&self.at)?;
            let used = disk.f_blocks.saturating_sub(disk.f_bfree) * disk.f_frsize;
            if self.resize(used + leave + attempt * GROWTH)? {
                self.filled += 1;
                return Ok(());
            }
        }
        Ok(())
    }

    /// There is room again.
    pub(super) fn free(&self) -> Result<()> {
        let done = self.resize(ROOM)?;
        ensure!(done, "cannot make room at {}", self.at.display());
        Ok(())
    }

    /// Keeps what is on it, since it is gone when this process is.
    pub(super) fn keep(&self, place: &Path) -> Result<()> {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&self.at)
            .arg(place)
            .status();
        let copied = copied.context("cannot run cp")?;
        ensure!(copied.success(), "cannot keep {}", self.at.display());
        Ok(())
    }

    fn resize(&self, size: u64) -> Result<bool> {
        self.run(&["-o", &format!("remount,size={size}")])
    }

    fn run(&self, arguments: &[&str]) -> Result<bool> {
        let mounted = Command::new("mount")
            .args(arguments)
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
        Ok(mounted.context("cannot run mount")?.success())
    }
}

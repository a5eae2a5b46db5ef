//! What has to be reached: floors and ceilings that hold on a slow day of a machine with two cores.

/// Lines a second from the agent's stdout to a client's, all on disk.
pub(super) const FLOOD: f64 = 300_000.0;
/// The same as a part of what a bare database does with the same rows.
pub(super) const FLOOD_OF_RAW: f64 = 0.5;
/// What each of eight clients gets, as a part of what one client gets.
pub(super) const FLOOD_OF_ONE: f64 = 0.5;
/// At 1,000 lines a second, in milliseconds: median and 99th percentile, for one client and for eight.
pub(super) const CALM: [(usize, f64, f64); 2] = [(1, 0.15, 0.4), (8, 0.22, 0.5)];
/// In a flood, in milliseconds: 99th percentile, for one client and for eight.
pub(super) const RUSH: [(usize, f64); 2] = [(1, 10.0), (8, 15.0)];
/// Until a command is acknowledged, in milliseconds: the median.
pub(super) const COMMAND: f64 = 5.0;
/// A verdict with 500 rules, in microseconds: the median.
pub(super) const VERDICT_US: f64 = 50.0;
/// The first 200 of 100,000 stored events, and all of them, in milliseconds.
pub(super) const ATTACH_FIRST: f64 = 2.0;
pub(super) const ATTACH_ALL: f64 = 40.0;
/// Until a daemon answers, in milliseconds: after an orderly end, and after a violent one with much to recover.
pub(super) const READY: f64 = 3.0;
pub(super) const RECOVERED: f64 = 10.0;
/// `betcode --version`, in milliseconds.
pub(super) const VERSION: f64 = 3.0;
/// Resident memory of the daemon in MB: idle, and at most in a flood with eight clients.
pub(super) const IDLE_MB: f64 = 8.0;
pub(super) const PEAK_MB: f64 = 25.0;
/// Memory of an agent's host that it shares with nobody, in MB.
pub(super) const HOST_MB: f64 = 3.0;
/// Wake-ups of daemon and host in ten seconds in which nothing happens.
pub(super) const WAKE_UPS: f64 = 0.0;
/// From the moment that the daemon is back until a client that waits for it has its next event, in milliseconds.
pub(super) const RESUMED: f64 = 1_000.0;
/// Growth of private memory from the 200th to the 1,000th turn, in percent.
pub(super) const GROWTH: f64 = 10.0;
/// What may be left of turns that are over: nothing; of open files the two of a second connection to the database, which
/// stays once two readers have met.
pub(super) const LEFT: f64 = 0.0;
pub(super) const LEFT_FILES: f64 = 3.0;
/// Until something is on the screen and the input can be used, in milliseconds: a daemon runs, and one is started.
pub(super) const FRAME_WARM: f64 = 30.0;
pub(super) const FRAME_COLD: f64 = 80.0;
/// Until a key is seen, in milliseconds: the median, idle and under load.
pub(super) const KEY: f64 = 3.0;
/// The same while 1,000 pieces a second come, also with 100,000 events: the 99th percentile.
pub(super) const KEY_LOADED: f64 = 5.0;
/// From the start of the process until the end of a conversation with 100,000 events is on the screen, in milliseconds.
pub(super) const ATTACHED: f64 = 200.0;
/// What a frame of the screen may take of the processor's time, in milliseconds: the 99th percentile.
pub(super) const FRAME_MS: f64 = 3.0;
/// What the screen writes for each word that streams, how often it draws in a second, and the processor time of 2,000 words.
pub(super) const WORD_BYTES: f64 = 15.0;
pub(super) const FRAMES: f64 = 30.0;
pub(super) const ANSWER_CPU: f64 = 0.5;
/// Resident memory of the screen, in MB.
pub(super) const SCREEN_MB: f64 = 30.0;
/// What polling a source of usage every minute takes of a processor, in percent.
pub(super) const POLLING: f64 = 0.1;
/// `betcode usage --json` from memory, in milliseconds: the median.
pub(super) const USAGE_ANSWER: f64 = 100.0;
/// Resident memory of the tray, in MB.
pub(super) const TRAY_MB: f64 = 15.0;

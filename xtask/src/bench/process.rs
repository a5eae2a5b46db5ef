//! What the system knows about a process: memory, wake-ups, processor time, bytes written.

use std::path::Path;

use anyhow::{Context as _, Result};

/// The nanoseconds of one tick of the times in `/proc/PID/stat`.
const TICK_NS: f64 = 10_000_000.0;

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

/// The number behind a name such as `VmRSS:`.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A figure of `/proc/PID/status` in MB.
pub(super) fn status_mb(pid: u32, name: &str) -> Result<f64> {
    let text = read(pid, "status")?;
    let kb = field(&text, name).with_context(|| format!("process {pid} has no {name}"))?;
    Ok(kb / 1_024.0)
}

/// Sums of `/proc/PID/smaps_rollup` in MB.
pub(super) fn mapped_mb(pid: u32, names: &[&str]) -> Result<f64> {
    let text = read(pid, "smaps_rollup")?;
    let kb: f64 = names.iter().filter_map(|name| field(&text, name)).sum();
    Ok(kb / 1_024.0)
}

/// Bytes that the process caused to be written to storage.
pub(super) fn written(pid: u32) -> Result<f64> {
    field(&read(pid, "io")?, "write_bytes:").context("no write_bytes")
}

/// The threads of a process with their names.
fn threads(pid: u32) -> Result<Vec<(u32, String)>> {
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(thread) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        // A thread may end while one looks.
        if let Ok(name) = read(pid, &format!("task/{thread}/comm")) {
            threads.push((thread, name.trim().to_owned()));
        }
    }
    Ok(threads)
}

/// How often all threads together were taken off the processor: each time means a wake-up.
pub(super) fn switches(pid: u32) -> Result<f64> {
    let mut sum = 0.0;
    for (thread, _) in threads(pid)? {
        let text = read(pid, &format!("task/{thread}/status")).unwrap_or_default();
        sum += field(&text, "voluntary_ctxt_switches:").unwrap_or(0.0);
        sum += field(&text, "nonvoluntary_ctxt_switches:").unwrap_or(0.0);
    }
    Ok(sum)
}

/// Processor time of every thread in nanoseconds, by name.
pub(super) fn thread_times(pid: u32) -> Result<Vec<(String, f64)>> {
    let mut times: Vec<(String, f64)> = Vec::new();
    for (thread, name) in threads(pid)? {
        let text = read(pid, &format!("task/{thread}/schedstat")).unwrap_or_default();
        let time = text
            .split_whitespace()
            .next()
            .and_then(|time| time.parse().ok());
        let time = time.unwrap_or(0.0);
        match times.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += time,
            None => times.push((name, time)),
        }
    }
    Ok(times)
}

/// Processor time of a process in nanoseconds, also of one that has ended and was not waited for.
pub(super) fn time(pid: u32) -> Result<f64> {
    let text = read(pid, "stat")?;
    // The name in parentheses may hold anything; behind it come state, … utime (12th), stime (13th).
    let (_, rest) = text.rsplit_once(')').context("no name")?;
    let fields = rest.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks * TICK_NS)
}

/// Whether a process has ended and waits to be waited for, or is gone.
pub(super) fn ended(pid: u32) -> bool {
    read(pid, "stat").map_or(true, |text| {
        text.rsplit_once(')')
            .is_none_or(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// The processes whose command line holds this word followed by a path below `directory`.
pub(super) fn find(word: &str, directory: &Path) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Ok(pid) = name.to_string_lossy().parse::<u32>() else {
            continue;
        };
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line
            .split(|byte| *byte == 0)
            .map(String::from_utf8_lossy)
            .collect();
        let matches = words.windows(2).any(|pair| match pair {
            [first, second] => {
                first.as_ref() == word && Path::new(second.as_ref()).starts_with(directory)
            }
            _ => false,
        });
        if matches {
            found.push(pid);
        }
    }
    Ok(found)
}

/// How many files a process has open.
pub(super) fn descriptors(pid: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// How many threads a process has.
pub(super) fn thread_count(pid: u32) -> Result<usize> {
    Ok(threads(pid)?.len())
}

/// The processes that have this text in their environment, and those below them that have ended without being waited
/// for: their environment is gone.
pub(super) fn marked(text: &str) -> Vec<u32> {
    let text = text.as_bytes();
    let mut marked = Vec::new();
    let mut ended_children = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if memchr::memmem::find(&environment, text).is_some() {
            marked.push(pid);
            let children = children(pid).into_iter();
            ended_children.extend(children.filter(|child| ended(*child)));
        }
    }
    marked.extend(ended_children);
    marked
}

/// The children of a process.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let text = read(pid, &format!("task/{pid}/children")).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_threads_and_a_past() {
        let pid = std::process::id();
        assert!(status_mb(pid, "VmRSS:").unwrap() > 0.1);
        assert!(mapped_mb(pid, &["Pss:"]).unwrap() > 0.1);
        assert!(!thread_times(pid).unwrap().is_empty());
        assert!(switches(pid).unwrap() > 0.0);
        assert!(!ended(pid));
        assert!(time(pid).is_ok() && written(pid).is_ok());
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "VmRSSx:\t1 kB\nVmRSS:\t  2048 kB\n";
        assert_eq!(field(text, "VmRSS:"), Some(2_048.0));
        assert_eq!(field(text, "VmHWM:"), None);
    }
}

//! How long a line is under way: from right before the agent writes it until the bytes of its event could be read from
//! the client's stdout. The agent writes the time into the text; both ends read the same clock.

use anyhow::Result;

use super::flood::{Load, play};
use super::profile::Place;
use super::report::{Goal, Report, percentile};
use super::{Options, calibrate, goals};

/// Measures delays at a calm pace and in a flood.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 1 } else { 3 };
    let seconds = if options.quick { 2 } else { 5 };
    let daemon = place.profile()?.start()?;
    for (clients, middle, high) in goals::CALM {
        let (mut medians, mut highs) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let load = Load {
                lines: seconds * 1_000,
                rate: 1_000,
                mixed: false,
                stamped: true,
            };
            let mut delays = play(&daemon, &mut daemon.session()?, load, clients)?.delays;
            medians.push(percentile(&mut delays, 50));
            highs.push(percentile(&mut delays, 99));
        }
        let who = if clients == 1 {
            "1 client".to_owned()
        } else {
            format!("{clients} clients")
        };
        report.add(
            format!("delay at 1,000 lines/s, {who}, median"),
            "ms",
            Goal::Below(middle),
            &medians,
            None,
        );
        report.add(
            format!("delay at 1,000 lines/s, {who}, 99 %"),
            "ms",
            Goal::Below(high),
            &highs,
            None,
        );
    }
    for (clients, high) in goals::RUSH {
        for (mixed, name) in [(true, "events of their own"), (false, "joined")] {
            let mut highs = Vec::new();
            for _ in 0..repetitions {
                let load = Load {
                    lines: options.lines,
                    rate: 0,
                    mixed,
                    stamped: true,
                };
                let mut delays = play(&daemon, &mut daemon.session()?, load, clients)?.delays;
                highs.push(percentile(&mut delays, 99));
            }
            let who = if clients == 1 {
                "1 client".to_owned()
            } else {
                format!("{clients} clients")
            };
            report.add(
                format!("delay in a flood, {name}, {who}, 99 %"),
                "ms",
                Goal::Below(high),
                &highs,
                None,
            );
        }
    }
    daemon.stop()
}

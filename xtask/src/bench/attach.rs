//! Attaching to a long log: 100,000 events that a flood of lines that cannot be joined has left in one session.
//!
//! Once as a program with the client library would (connect, attach behind number 0, decode every event), and once as a
//! whole process that prints them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use betcode_client::session::{Handle, Open, Position, Update};
use betcode_client::{Direction, Occasion, ReadEvents};
use betcode_core::event::ClientInfo;
use betcode_core::id::SessionId;

use super::client::Client;
use super::flood::{Load, play};
use super::profile::{Place, Session};
use super::report::{Goal, Report};
use super::{Options, calibrate, goals};
use crate::clock;

/// What an answer shows at once: about a screen and some more.
const FIRST: usize = 200;

#[derive(Debug)]
struct Times {
    first: Duration,
    all: Duration,
    /// The part of `all` that decoding took.
    decoding: Duration,
    newest: Duration,
}

/// Measures attaching.
pub(super) fn run(
    place: &Place,
    options: &Options,
    _: calibrate::Raw,
    report: &mut Report,
) -> Result<()> {
    let repetitions = if options.quick { 3 } else { 11 };
    let daemon = place.profile()?.start()?;
    let mut session = daemon.session()?;
    let load = Load {
        lines: options.lines,
        rate: 0,
        mixed: true,
        stamped: false,
    };
    play(&daemon, &mut session, load, 1)?;
    // A new daemon has nothing in memory.
    let profile = daemon.profile.clone();
    daemon.stop()?;
    let daemon = profile.start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (mut first, mut all, mut decoding, mut newest) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut printed_first, mut printed_all) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let times = runtime.block_on(attach(profile.for_client(), &session))?;
        first.push(ms(times.first));
        all.push(ms(times.all));
        decoding.push(ms(times.decoding));
        newest.push(ms(times.newest));
        let begun = clock::microseconds();
        let printed =
            Client::start(profile.command(&["session", "events", &session.id]))?.finish()?;
        let at = |line: Option<super::client::Line<'_>>| {
            line.map(|line| Duration::from_micros(line.at.saturating_sub(begun)))
                .context("too few lines")
        };
        printed_first.push(ms(at(printed.lines().nth(FIRST - 1))?));
        printed_all.push(ms(at(printed.lines().last())?));
    }
    let what = format!("attach to {} stored events", session.head);
    report.add(
        format!("{what}: first {FIRST}"),
        "ms",
        Goal::Below(goals::ATTACH_FIRST),
        &first,
        None,
    );
    report.add(
        format!("{what}: all, decoded"),
        "ms",
        Goal::Below(goals::ATTACH_ALL),
        &all,
        None,
    );
    report.add(
        format!("{what}: of that decoding"),
        "ms",
        Goal::None,
        &decoding,
        None,
    );
    report.add(
        format!("{what}: newest {FIRST}, read backwards"),
        "ms",
        Goal::None,
        &newest,
        None,
    );
    report.add(
        format!("`session events`, {} events: first {FIRST}", session.head),
        "ms",
        Goal::None,
        &printed_first,
        None,
    );
    report.add(
        format!("`session events`, {} events: all", session.head),
        "ms",
        Goal::None,
        &printed_all,
        None,
    );
    daemon.stop()
}

async fn attach(profile: betcode_client::Profile, session: &Session) -> Result<Times> {
    let id = SessionId(session.id.parse().context("not an id")?);
    let begun = clock::now();
    let connector = {
        let profile = profile.clone();
        move |_: Occasion| {
            let profile = profile.clone();
            async move { betcode_client::connect(&profile).await }
        }
    };
    let open = Open {
        session: id,
        after: Position::default(),
        follow: false,
        client: ClientInfo::default(),
        observe: true,
    };
    let mut handle = Handle::open(connector, open).await?;
    let (mut count, mut first, mut decoding) = (0, None, Duration::ZERO);
    loop {
        match handle.next().await {
            Update::Events(batch) => {
                let decode = clock::now();
                count += batch.events()?.len();
                decoding += decode.elapsed();
                if count >= FIRST {
                    first.get_or_insert_with(|| begun.elapsed());
                }
            }
            Update::End(_) => break,
            Update::Attached { .. } => {}
            other => bail!("unexpected while attaching: {other:?}"),
        }
    }
    let all = begun.elapsed();
    // The agent's end may have come after the prompt's client had left.
    ensure!(
        count as u64 >= session.head,
        "{count} of {} events came",
        session.head
    );
    let begun = clock::now();
    let connection = betcode_client::connect(&profile).await?;
    let limit = u32::try_from(FIRST)?;
    let what = ReadEvents {
        session: id,
        epoch: None,
        from: Direction::Newest,
        limit,
        coalesced: false,
    };
    let mut pages = connection.read_events(what).await?;
    let mut count = 0;
    while let Some(page) = pages.next().await? {
        count += page.events()?.len();
    }
    ensure!(count == FIRST, "{count} of the newest {FIRST} events came");
    let newest = begun.elapsed();
    Ok(Times {
        first: first.context("too few events")?,
        all,
        decoding,
        newest,
    })
}

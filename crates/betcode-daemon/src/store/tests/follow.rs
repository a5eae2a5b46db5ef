//! Followers: the seam between memory and database, slices of chunks, reading backwards.

use super::*;
use crate::store::TailRead;
use crate::store::log::Tails;
use proptest::prelude::*;

/// Reads as a follower does until the head is there, in pages of this size.
fn follow(
    store: &Store,
    log: &Arc<SessionLog>,
    after: Sequence,
    until: u64,
    page: usize,
) -> (Vec<u64>, [usize; 2]) {
    let mut cursor = after;
    let mut seen = Vec::new();
    let mut sources = [0; 2];
    let mut head = log.subscribe();
    block_on(async {
        while cursor.0 < until {
            let chunks = match log.tail_after(cursor, page) {
                TailRead::Ready(chunks) => {
                    sources[0] += 1;
                    chunks
                }
                TailRead::UpToDate => {
                    head.wait_for(|head| *head > cursor).await.unwrap();
                    continue;
                }
                TailRead::TooOld => {
                    sources[1] += 1;
                    store.read_after(log, cursor, page).await.unwrap()
                }
            };
            for chunk in chunks {
                assert_eq!(chunk.first, cursor.next());
                seen.extend(decode(&chunk).iter().map(|event| event.sequence));
                cursor = chunk.last;
            }
        }
    });
    (seen, sources)
}

#[test]
fn followers_that_attach_anywhere_during_a_flood_see_every_event_once() {
    let directory = tempfile::tempdir().unwrap();
    // So little memory that slow followers fall out of it.
    let options = StoreOptions {
        tail_bytes: 20_000,
        ..StoreOptions::default()
    };
    let (store, _) = open_as(directory.path(), EPOCH, options);
    let log = add_session(&store, 1, 5);
    let total = 5 + 400 * 10;
    let followers: Vec<_> = (0..6_u64)
        .map(|number| {
            let (store, log) = (store.clone(), Arc::clone(&log));
            std::thread::spawn(move || {
                let mut sources = [0; 2];
                // Attach again and again, each time at another place that has been reached by now.
                for attempt in 1..=5 {
                    let reached = Sequence(total * attempt / 6);
                    block_on(log.subscribe().wait_for(|head| *head >= reached)).unwrap();
                    let head = log.head().0;
                    let after = head * attempt * (number + 1) / 31 % (head + 1);
                    let page =
                        [100, 3_000, 50_000][usize::try_from((number + attempt) % 3).unwrap()];
                    let until = if attempt == 5 { total } else { log.head().0 };
                    let (seen, from) = follow(&store, &log, Sequence(after), until, page);
                    let last = seen.last().copied().unwrap_or(after);
                    assert_eq!(seen, (after + 1..=last).collect::<Vec<_>>());
                    assert!(last >= until);
                    sources = [sources[0] + from[0], sources[1] + from[1]];
                }
                sources
            })
        })
        .collect();
    for _ in 0..400 {
        wait(store.append(more(&log, 10, 50))).unwrap();
    }
    let sources = followers
        .into_iter()
        .map(|follower| follower.join().unwrap());
    let sources = sources.fold([0; 2], |all, one| [all[0] + one[0], all[1] + one[1]]);
    assert!(
        sources[0] > 0 && sources[1] > 0,
        "memory and database were both read: {sources:?}"
    );
    assert!(store.inner.tails.bytes() <= 20_000);
}

#[test]
fn memory_for_recent_events_is_bounded_over_all_sessions_and_the_oldest_goes_first() {
    let tails = Tails::new(10_000);
    let logs: Vec<_> = (1..=3)
        .map(|number| {
            SessionLog::new(
                number,
                session(1),
                Sequence(0),
                Sequence(0),
                Arc::clone(&tails),
            )
        })
        .collect();
    for round in 0..100 {
        for log in &logs {
            log.publish(vec![chunk(round * 2 + 1, 2, 100)]);
            assert!(tails.bytes() <= 10_000);
        }
    }
    for log in &logs {
        assert_eq!(log.tail_after(Sequence(0), 1), TailRead::TooOld);
        assert!(matches!(
            log.tail_after(Sequence(199), 1),
            TailRead::Ready(_)
        ));
    }
    drop(logs);
    assert_eq!(tails.bytes(), 0);
}

#[test]
fn reading_backwards_gives_the_newest_chunk_first_from_any_event() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(directory.path());
    let other = add_session(&store, 7, 3);
    let log = add_session(&store, 1, 5);
    for _ in 0..20 {
        wait(store.append(more(&log, 7, 30))).unwrap();
        wait(store.append(more(&other, 1, 30))).unwrap();
    }
    let head = log.head().0;
    for before in [head + 1, u64::MAX, head, head - 3, 100, 7, 6, 2, 1] {
        for page in [1, 300, 100_000] {
            let mut cursor = Sequence(before);
            let mut seen = Vec::new();
            loop {
                let chunks = block_on(store.read_before(&log, cursor, page)).unwrap();
                let Some(oldest) = chunks.last() else {
                    break;
                };
                cursor = oldest.first;
                for chunk in &chunks {
                    let mut numbers: Vec<_> =
                        decode(chunk).iter().map(|event| event.sequence).collect();
                    numbers.reverse();
                    seen.extend(numbers);
                }
            }
            let expected: Vec<_> = (1..before.min(head + 1)).rev().collect();
            assert_eq!(seen, expected, "before {before} in pages of {page}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_part_of_a_chunk_holds_exactly_the_events_that_were_asked_for(
        first in 1_u64..1000,
        fillings in proptest::collection::vec(0_usize..300, 1..40),
        after in 0_u64..1100,
        before in 0_u64..1100,
        limit in 1_usize..2000,
    ) {
        let events: Vec<_> = fillings.iter().zip(first..).flat_map(|(filling, at)| self::events(at, 1, *filling)).collect();
        let chunk = Chunk::encode(&events).unwrap();
        prop_assert_eq!(Chunk::parse(chunk.bytes.clone()), Ok(chunk.clone()));
        prop_assert_eq!(chunk.count(), events.len() as u64);
        let numbers = |keep: &dyn Fn(u64) -> bool| -> Vec<_> {
            events.iter().filter(|event| keep(event.sequence)).cloned().collect()
        };
        let part = chunk.after(Sequence(after));
        prop_assert_eq!(part.as_ref().map(decode).unwrap_or_default(), numbers(&|number| number > after));
        if let Some(part) = part {
            let both = part.before(Sequence(before)).as_ref().map(decode).unwrap_or_default();
            prop_assert_eq!(both, numbers(&|number| number > after && number < before));
        }
        let split = chunk.split(limit);
        prop_assert!(split.iter().all(|part| part.bytes.len() <= limit || part.count() == 1));
        prop_assert_eq!(decode_all(&split), events);
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(chunk) = Chunk::parse(bytes.clone().into()) {
            prop_assert!(chunk.first <= chunk.last);
            prop_assert_eq!(&chunk.bytes[..], &bytes[..]);
        }
    }
}

//! The search against a plain look at the whole conversation.

use proptest::prelude::*;

use super::*;
use crate::transcript::tests::{Shown, log, whole};

/// What is found when the log is read in pages that end at these places.
fn found(events: &[Event], words: &str, cuts: &[usize]) -> Vec<Sequence> {
    let mut seek = Seek::new(words);
    let head = Sequence(events.len() as u64);
    let mut cuts = cuts.to_vec();
    while let Some(after) = seek.read(head) {
        let from = usize::try_from(after.0).unwrap();
        let length = cuts.pop().unwrap_or(events.len()).max(1);
        let to = (from + length).min(events.len());
        seek.take(after, &events[from..to]);
    }
    seek.hits.iter().copied().collect()
}

proptest! {
    #[test]
    fn pages_of_any_size_find_what_the_whole_conversation_has(
        Shown(events) in log(),
        cuts in proptest::collection::vec(1_usize..20, 0..20),
        words in proptest::sample::select(vec!["[1", "HM", "]", "o", "never said"]),
    ) {
        let seek = Seek::new(words);
        let whole = whole(&events);
        let expected: Vec<Sequence> = whole
            .list()
            .iter()
            .filter(|entry| seek.is_in(&entry.body))
            .map(|entry| entry.first)
            .collect();
        prop_assert_eq!(found(&events, words, &cuts), expected);
    }
}

fn seek(hits: &[u64]) -> Seek {
    Seek {
        hits: hits.iter().copied().map(Sequence).collect(),
        ..Seek::new("login")
    }
}

#[test]
fn one_goes_from_place_to_place_and_around() {
    let seek = seek(&[3, 7, 20]);
    let next = |from, forwards| seek.next(Sequence(from), forwards).unwrap().0;
    assert_eq!((next(3, true), next(4, true), next(20, true)), (7, 7, 3));
    assert_eq!(
        (next(20, false), next(8, false), next(3, false)),
        (7, 7, 20)
    );
    assert_eq!(Seek::new("x").next(Sequence(1), true), None);
}

#[test]
fn while_it_is_searched_nobody_goes_around() {
    let mut seek = seek(&[3]);
    assert_eq!(seek.read(Sequence(9)), Some(Sequence(0)));
    assert_eq!(seek.read(Sequence(9)), None);
    assert_eq!(seek.next(Sequence(3), true), None);
    seek.wish(true);
    assert_eq!(seek.wished(), None);
    seek.take(Sequence(5), &[]);
    assert!(seek.is_reading(), "a page of another place is none");
    seek.take(Sequence(0), &[]);
    assert_eq!(seek.wished(), Some(true));
    assert_eq!(seek.wished(), None);
}

#[test]
fn it_says_how_far_it_is_and_where_one_is() {
    let mut seek = seek(&[3, 7]);
    let head = Sequence(10);
    assert_eq!(seek.remark(Some(Sequence(7)), head), " login: 2 of 2 ");
    assert_eq!(seek.remark(Some(Sequence(5)), head), " login: 2 places ");
    assert!(seek.read(head).is_some());
    assert_eq!(seek.remark(None, head), " login: searching … 0%, 2 so far ");
    assert_eq!(
        Seek::new("x").remark(None, head),
        " x: nowhere in this session "
    );
}

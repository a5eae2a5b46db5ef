//! Tests of the list to choose from.

use super::*;

fn list(labels: &[&str]) -> List {
    List::new(labels.iter().map(|label| Item::new(*label)).collect())
}

fn shown(list: &List) -> Vec<String> {
    let window = list.window(10);
    window
        .iter()
        .map(|found| found.item.label.to_string())
        .collect()
}

#[test]
fn without_a_query_everything_matches_in_the_given_order() {
    let mut files = list(&["b", "a", "c"]);
    assert_eq!(shown(&files), ["b", "a", "c"]);
    files.ask("a");
    files.ask("");
    assert_eq!(shown(&files), ["b", "a", "c"]);
    assert!(files.window(10).iter().all(|found| found.found.is_empty()));
}

#[test]
fn letters_in_their_order_match_and_the_best_comes_first() {
    let mut files = list(&[
        "docs/commands.md",
        "src/composer.rs",
        "README",
        "src/main.rs",
    ]);
    files.ask("comp");
    assert_eq!(shown(&files), ["src/composer.rs"]);
    files.ask("srcm");
    assert_eq!(files.chosen().map(|item| &*item.label), Some("src/main.rs"));
    files.ask("zzz");
    assert!(files.is_empty());
    assert_eq!(files.chosen(), None);
}

#[test]
fn the_found_letters_are_told_as_bytes_of_the_label() {
    let mut files = list(&["größe/übersicht.rs"]);
    files.ask("größe über");
    let window = files.window(1);
    let label = &window[0].item.label;
    let letters: Vec<&str> = window[0]
        .found
        .iter()
        .map(|range| &label[range.clone()])
        .collect();
    assert_eq!(letters, ["größe", "über"]);
}

#[test]
fn the_chosen_item_stays_chosen_when_others_come_and_go() {
    let mut files = list(&["a", "b", "c"]);
    files.step(1);
    files.set_items(["z", "a", "y", "b"].map(Item::new).to_vec());
    assert_eq!(files.chosen().map(|item| &*item.label), Some("b"));
    files.set_items(vec![Item::new("q")]);
    assert_eq!(files.chosen().map(|item| &*item.label), Some("q"));
    files.set_items(Vec::new());
    assert_eq!(files.chosen(), None);
}

#[test]
fn a_step_beyond_an_end_comes_back_at_the_other() {
    let mut files = list(&["a", "b", "c"]);
    files.step(-1);
    assert_eq!(files.chosen().map(|item| &*item.label), Some("c"));
    files.step(1);
    assert_eq!(files.chosen_place(), 0);
    files.choose(7);
    assert_eq!(files.chosen_place(), 0);
    let mut nothing = list(&[]);
    nothing.step(1);
    assert_eq!(nothing.chosen(), None);
}

#[test]
fn the_chosen_one_is_always_in_the_window() {
    let labels: Vec<String> = (0..100).map(|number| format!("item{number}")).collect();
    let mut files = List::new(
        labels
            .iter()
            .map(|label| Item::new(label.as_str()))
            .collect(),
    );
    for _ in 0..100 {
        files.step(1);
        let window = files.window(7);
        assert_eq!(window.len(), 7);
        assert_eq!(window.iter().filter(|found| found.chosen).count(), 1);
    }
}

#[test]
fn typing_letter_by_letter_finds_what_asking_at_once_does() {
    let paths = paths(2_000);
    let mut slowly = List::of_paths(paths.clone());
    for end in 1..=9 {
        slowly.ask(&"src mod42"[..end]);
    }
    let mut at_once = List::of_paths(paths);
    at_once.ask("src mod42");
    assert_eq!(slowly.len(), at_once.len());
    assert_eq!(shown(&slowly), shown(&at_once));
    assert!(!at_once.is_empty());
}

fn paths(count: usize) -> Vec<Item> {
    let path = |number: usize| {
        format!(
            "crates/part{}/src/some_module{}/module{number}.rs",
            number % 40,
            number % 700
        )
    };
    (0..count).map(|number| Item::new(path(number))).collect()
}

/// In release it takes a few milliseconds; the bound here only catches what is slow by its kind.
#[test]
fn fifty_thousand_paths_are_searched_while_one_types() {
    let mut files = List::of_paths(paths(50_000));
    for query in ["m", "mo", "mod", "mod4", "mod42", "s", "zq"] {
        let began = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        files.ask(query);
        let window = files.window(10).len();
        let ended = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let nanoseconds =
            (ended.tv_sec - began.tv_sec) * 1_000_000_000 + ended.tv_nsec - began.tv_nsec;
        println!(
            "{query:>6}: {} matches, {} µs",
            files.len(),
            nanoseconds / 1_000
        );
        assert!(window <= 10);
        assert!(nanoseconds < 500_000_000, "{query}: {nanoseconds} ns");
    }
}

//! Sizes that change.

use std::time::Duration;

use betcode_testkit::wait_until;

use super::{answered, numbers, opened_with, say};
use crate::profile;

/// From one column to four hundred, from none to a hundred rows; 0×0 is what a terminal without a size says.
fn sizes() -> impl Iterator<Item = (u16, u16)> {
    let odd = [
        (1, 1),
        (0, 0),
        (400, 100),
        (2, 50),
        (400, 1),
        (1, 100),
        (20, 4),
        (0, 24),
        (80, 0),
        (3, 3),
    ];
    let many = (0_u16..40).map(|round| (20 + round * 37 % 381, 4 + round * 13 % 56));
    many.chain(odd)
}

#[test]
fn sizes_that_change_while_text_streams_leave_a_whole_screen() {
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--fullscreen"]));
    say(&mut screen, "/demo count n=400 rate=200 row=400");
    screen.wait_for("1 2 3");
    let mut last = (100, 30);
    for (width, height) in sizes() {
        screen.resize(width, height);
        let before = screen.bytes();
        // Nobody is told of a size that it has already.
        assert_ne!(last, (width, height));
        last = (width, height);
        wait_until(Duration::from_secs(10), "it is drawn again", || {
            (screen.bytes() > before).then_some(())
        });
    }
    screen.resize(90, 28);
    let text = answered(&screen, "398 399 400");
    assert!(
        text.lines().all(|line| line.chars().count() <= 90),
        "{text}"
    );
    let all = numbers(&text);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "{text}");
}

#[test]
fn a_storm_of_sizes_ends_with_the_last_one() {
    let profile = profile();
    let mut screen = opened_with(profile.betcode(["--fullscreen"]));
    say(&mut screen, "/demo count n=300 rate=300 row=300");
    screen.wait_for("1 2 3");
    for round in 0_u16..500 {
        screen.resize(20 + round * 7 % 100, 5 + round % 40);
    }
    screen.resize(100, 30);
    answered(&screen, "298 299 300");
    let one = screen.rests(Duration::from_millis(300));
    // What it believes to be on the screen is there: drawing all of it again changes nothing.
    let before = screen.look(cells);
    screen.send(b"\x0c");
    wait_until(Duration::from_secs(10), "it is drawn again", || {
        (screen.bytes() > one + 500).then_some(())
    });
    screen.rests(Duration::from_millis(300));
    assert_eq!(before, screen.look(cells));
}

/// What is in the cells, and how it looks.
fn cells(screen: &vt100::Screen) -> Vec<String> {
    let (rows, columns) = screen.size();
    let row = |row| {
        let cells = (0..columns).filter_map(|column| screen.cell(row, column));
        cells.fold(String::new(), |text, cell| match cell.contents().trim() {
            "" => text + " ",
            shown => format!(
                "{text}{shown}{:?}{}{}",
                cell.fgcolor(),
                cell.bold(),
                cell.dim()
            ),
        })
    };
    (0..rows).map(row).collect()
}

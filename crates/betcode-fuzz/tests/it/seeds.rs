//! Every target holds its laws on its seeds, and on damage to them that is the same in every run.

use betcode_fuzz::mutate::{Random, damaged};
use betcode_fuzz::target;

/// Runs a target on its seeds and on `count` damaged ones.
#[expect(clippy::unwrap_used, reason = "a test helper")]
fn check(name: &str, count: usize) {
    let target = target(name).unwrap();
    let mut seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{name} has seeds");
    for seed in &mut seeds {
        seed.truncate(target.longest);
        (target.run)(seed);
    }
    // The long ones are seen whole above; damage is for what is quick to try.
    seeds.sort_by_key(Vec::len);
    seeds.truncate(seeds.len().div_ceil(2));
    let mut random = Random::new(1);
    for _ in 0..count {
        (target.run)(&damaged(&seeds, target.longest, &mut random));
    }
}

#[test]
fn every_target_has_a_test_here() {
    let tested = include_str!("seeds.rs");
    for target in betcode_fuzz::TARGETS {
        let call = format!("check(\"{}\", ", target.name);
        assert!(tested.contains(&call), "{} is not tested", target.name);
    }
}

#[test]
fn the_parser_keeps_its_laws_near_what_was_recorded() {
    check("parser", 400);
}

#[test]
fn the_driver_keeps_its_laws_near_what_was_recorded() {
    check("driver", 400);
}

#[test]
fn sessions_keep_their_laws_near_what_was_recorded() {
    check("session", 150);
}

#[test]
fn spools_are_recovered_whatever_is_left_of_them() {
    check("spool", 2_000);
}

#[test]
fn frames_are_read_however_they_are_cut() {
    check("frames", 4_000);
}

#[test]
fn settings_of_any_form_are_read_or_refused_with_a_place() {
    check("config", 1_000);
}

#[test]
fn rules_in_damaged_files_allow_nothing_new() {
    check("settings", 1_000);
}

#[test]
fn what_is_stored_is_read_or_refused_however_damaged() {
    check("blobs", 300);
}

#[test]
fn rules_hide_no_part_of_a_command() {
    check("rules", 2_000);
}

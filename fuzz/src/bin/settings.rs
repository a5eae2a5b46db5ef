//! See `betcode_fuzz::settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::settings::TARGET.run)(data));

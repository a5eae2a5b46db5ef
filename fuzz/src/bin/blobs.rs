//! See `betcode_fuzz::blobs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::blobs::TARGET.run)(data));

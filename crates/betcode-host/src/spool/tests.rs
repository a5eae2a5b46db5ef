//! Writer and reader against each other.

use proptest::prelude::*;

use super::*;

fn spool(segment_bytes: u64, chunks: &[&[u8]]) -> (tempfile::TempDir, Writer) {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(directory.path(), segment_bytes);
    for chunk in chunks {
        let (count, result) = writer.append(chunk);
        result.unwrap();
        assert_eq!(count, chunk.len());
    }
    (directory, writer)
}

proptest! {
    #[test]
    fn any_piece_of_the_stream_reads_back_as_written(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..20),
        segment_bytes in 1u64..100,
        pieces in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1usize..80), 1..10),
    ) {
        let whole: Vec<u8> = chunks.concat();
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        let (directory, writer) = spool(segment_bytes, &chunks);
        prop_assert_eq!(writer.end(), whole.len() as u64);
        prop_assert_eq!(end(directory.path()).unwrap(), whole.len() as u64);
        let mut reader = Reader::new(directory.path());
        for (from, to, max) in pieces {
            let (from, to) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
            let mut into = b"before".to_vec();
            let count = reader.read(from as u64, to as u64, &mut into, max).unwrap();
            let expected = whole.get(from..to.min(from.saturating_add(max))).unwrap_or_default();
            prop_assert_eq!(count, expected.len());
            prop_assert_eq!(&into[..6], b"before");
            prop_assert_eq!(&into[6..], expected);
        }
    }
}

#[test]
fn a_reader_at_the_end_goes_on_when_the_writer_does_even_into_a_new_segment() {
    let (directory, mut writer) = spool(4, &[b"abc"]);
    let mut reader = Reader::new(directory.path());
    let mut into = Vec::new();
    assert_eq!(reader.read(0, 100, &mut into, 100).unwrap(), 3);
    assert_eq!(reader.read(3, 100, &mut into, 100).unwrap(), 0);
    writer.append(b"d").1.unwrap();
    assert_eq!(reader.read(3, 100, &mut into, 100).unwrap(), 1);
    assert_eq!(reader.read(4, 100, &mut into, 100).unwrap(), 0);
    writer.append(b"efg").1.unwrap();
    assert_eq!(reader.read(4, 100, &mut into, 100).unwrap(), 3);
    assert_eq!(into, b"abcdefg");
    assert_eq!(segments(directory.path()).unwrap(), [0, 4]);
}

#[test]
fn only_segments_wholly_below_the_offset_go_and_the_last_one_stays() {
    let (directory, mut writer) = spool(4, &[b"aaaa", b"bbbb", b"cccc"]);
    writer.delete_below(7);
    assert_eq!(segments(directory.path()).unwrap(), [4, 8]);
    writer.delete_below(12);
    assert_eq!(segments(directory.path()).unwrap(), [8]);
    assert_eq!(end(directory.path()).unwrap(), 12);
    let error = Reader::new(directory.path())
        .read(0, 12, &mut Vec::new(), 100)
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn remains_are_trimmed_like_a_live_spool() {
    let (directory, _) = spool(4, &[b"aaaa", b"bbbb", b"cccc"]);
    delete_below(directory.path(), 8).unwrap();
    assert_eq!(segments(directory.path()).unwrap(), [8]);
    delete_all(directory.path()).unwrap();
    assert_eq!(end(directory.path()).unwrap(), 0);
}

#[test]
fn an_append_that_fails_keeps_its_place_and_can_be_repeated() {
    let (directory, mut writer) = spool(4, &[b"aaaa"]);
    std::fs::create_dir(segment_path(directory.path(), 4)).unwrap();
    let (count, result) = writer.append(b"bbbb");
    assert_eq!((count, writer.end()), (0, 4));
    assert!(result.is_err());
    std::fs::remove_dir(segment_path(directory.path(), 4)).unwrap();
    writer.append(b"bbbb").1.unwrap();
    let mut into = Vec::new();
    Reader::new(directory.path())
        .read(0, 8, &mut into, 8)
        .unwrap();
    assert_eq!(into, b"aaaabbbb");
}

#[test]
fn a_file_whose_name_is_beyond_every_offset_is_no_segment() {
    let (directory, _) = spool(4, &[b"aaaa"]);
    let strange = segment_path(directory.path(), u64::MAX);
    std::fs::write(&strange, "bytes").unwrap();
    assert_eq!(segments(directory.path()).unwrap(), [0]);
    assert_eq!(end(directory.path()).unwrap(), 4);
    assert_eq!(next_segment(directory.path(), 4).unwrap(), None);
    delete_all(directory.path()).unwrap();
    assert!(strange.exists(), "it is not ours");
}

#[test]
fn beyond_every_offset_there_is_nothing_and_that_is_no_error() {
    let (directory, _) = spool(4, &[b"aaaa"]);
    for at in [4, 5, i64::MAX as u64, u64::MAX - 1] {
        let mut reader = Reader::new(directory.path());
        let mut into = Vec::new();
        assert_eq!(reader.read(at, u64::MAX, &mut into, 9).unwrap(), 0, "{at}");
    }
}

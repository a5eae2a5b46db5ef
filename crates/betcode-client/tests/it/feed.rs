//! The machine feed, followed.

use betcode_client::feed::{Feed, FeedBody, FeedEntry, FeedUpdate, Position};
use betcode_core::id::{LogEpoch, Sequence};
use betcode_core::time::Timestamp;
use betcode_proto::convert::feed::encode_feed_list;
use betcode_proto::convert::id_bytes;
use betcode_proto::v1;
use tokio::join;
use v1::watch_response::Response;

use crate::fake::{EPOCH, Fake, Home, Watch};

fn entries(first: u64, last: u64) -> Vec<FeedEntry> {
    (first..=last)
        .map(|number| FeedEntry {
            sequence: Sequence(number),
            timestamp: Timestamp(1),
            body: FeedBody::DaemonStarted {
                version: "1".into(),
                pid: 2,
            },
        })
        .collect()
}

fn play(watch: &Watch, head: u64, batches: &[(u64, u64)]) {
    watch.send(Response::Attached(v1::FeedAttached {
        epoch: id_bytes(EPOCH),
        head,
    }));
    for &(first, last) in batches {
        watch.send(Response::Batch(v1::FeedBatch {
            first_sequence: first,
            last_sequence: last,
            entries: encode_feed_list(entries(first, last)).into(),
        }));
    }
}

#[tokio::test]
async fn the_feed_goes_on_over_a_loss_without_gap_or_double() {
    let home = Home::new();
    let mut fake = Fake::start(&home);
    let mut feed = Feed::open(home.connector(), Position::default(), true)
        .await
        .unwrap();
    let daemon = async {
        let watch = fake.watch().await;
        play(&watch, 3, &[(1, 2)]);
        drop(watch);
        let watch = fake.watch().await;
        assert_eq!((watch.request.after, watch.request.follow), (2, true));
        assert_eq!(watch.request.epoch, id_bytes(EPOCH));
        play(&watch, 5, &[(2, 4), (5, 5)]);
        watch
    };
    let client = async {
        assert_eq!(
            feed.next().await,
            FeedUpdate::Attached {
                epoch: LogEpoch(EPOCH),
                head: Sequence(3)
            }
        );
        assert_eq!(feed.next().await, FeedUpdate::Entries(entries(1, 2)));
        assert!(matches!(
            feed.next().await,
            FeedUpdate::Reconnecting { attempt: 0, .. }
        ));
        assert!(matches!(feed.next().await, FeedUpdate::Attached { .. }));
        assert_eq!(feed.next().await, FeedUpdate::Entries(entries(3, 4)));
        assert_eq!(feed.next().await, FeedUpdate::Entries(entries(5, 5)));
    };
    join!(client, daemon);
    assert_eq!(feed.position().last, Sequence(5));
}

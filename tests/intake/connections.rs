//! Many connections at once. How long one may last is in `src/intake/tests.rs`, with shorter waits than life has.

use crate::home::{CAR_AFTER_BATTERY, House};
use crate::intake::wire::{RECORDED, Wire, assert_healthy};

/// As many as the intake holds at once.
const CONNECTIONS_MAX: usize = 256;

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_there_is_room_for_wait_their_turn() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let health = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut held: Vec<_> = (0..CONNECTIONS_MAX).map(|_| Wire::to(&house)).collect();
    for wire in &mut held {
        wire.send(health);
    }
    for wire in &mut held {
        assert_eq!(wire.answer(), RECORDED);
    }
    let mut waiting: Vec<_> = (0..20).map(|_| Wire::to(&house)).collect();
    for wire in &mut waiting {
        wire.send(health);
    }
    waiting[0].expect_silence();
    held.truncate(CONNECTIONS_MAX - 1);
    for mut wire in waiting {
        assert_eq!(wire.answer(), RECORDED);
    }
    drop(held);
    assert_healthy(&house);
}

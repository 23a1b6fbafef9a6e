use super::*;

const ROUND: Duration = Duration::from_secs(5);

fn at(next: u64) -> BTreeMap<Place, u64> {
    BTreeMap::from([(("events".into(), 0), next)])
}

fn behind(next: u64, end: u64) -> Stall {
    Stall::Behind { topic: "events".into(), partition: 0, next, end }
}

#[test]
fn a_client_without_a_sign_of_life_is_given_up_and_one_that_gives_signs_is_not() {
    let (mut watch, now) = (Watch::new(), Instant::now());
    for _ in 0..100 {
        assert_eq!(watch.round(now), None);
        assert_eq!(watch.heard(1, now), None);
    }
    let rounds: Vec<_> = (0..4).map(|_| watch.round(now)).collect();
    assert_eq!(rounds, [None, None, None, Some(Stall::Silent)]);
}

#[test]
fn a_client_that_has_forgotten_its_brokers_is_given_up() {
    let (mut watch, now) = (Watch::new(), Instant::now());
    let told: Vec<_> = [0, 0, 1, 0, 0, 0].into_iter().map(|brokers| watch.heard(brokers, now)).collect();
    assert_eq!(told, [None, None, None, None, None, Some(Stall::Lonely)]);
    watch.give_up(now);
    assert!((0..9).all(|_| watch.heard(0, now).is_none()), "the next one has its time, too");
}

#[test]
fn questions_that_fail_for_long_give_a_client_up_and_one_answer_ends_that() {
    let (mut watch, mut now) = (Watch::new(), Instant::now());
    let mut fail_for = |watch: &mut Watch, rounds: u32| {
        let mut stall = None;
        for _ in 0..rounds {
            watch.failed(now);
            now += ROUND;
            watch.heard(1, now);
            stall = watch.round(now);
        }
        stall
    };
    assert_eq!(fail_for(&mut watch, 3), None);
    assert_eq!(watch.look(&at(1), &BTreeMap::new(), Instant::now()), None);
    assert_eq!(fail_for(&mut watch, 3), None);
    assert_eq!(fail_for(&mut watch, 1), Some(Stall::Unanswered(UNANSWERED)));
}

#[test]
fn a_partition_that_stands_for_long_although_there_is_more_is_behind() {
    let (mut watch, now) = (Watch::new(), Instant::now());
    assert_eq!(watch.still(&at(7)), []);
    assert_eq!(watch.look(&at(7), &BTreeMap::new(), now), None);
    assert_eq!(watch.still(&at(7)), [("events".into(), 0)]);
    assert_eq!(watch.still(&at(8)), [], "it moves");
    assert_eq!(watch.look(&at(7), &at(7), now), None);
    assert_eq!(watch.look(&at(7), &at(9), now + BEHIND), None, "the end may have come a moment ago");
    assert_eq!(watch.look(&at(7), &at(10), now + BEHIND + ROUND), None);
    assert_eq!(watch.look(&at(7), &at(11), now + BEHIND * 2), Some(behind(7, 11)));
    assert_eq!(watch.look(&at(8), &at(11), now + BEHIND * 2), None, "it has moved");
}

#[test]
fn clients_are_given_up_ever_more_rarely_until_one_follows() {
    let (mut watch, mut now) = (Watch::new(), Instant::now());
    let mut given_up = Vec::new();
    for round in 0..400 {
        if watch.look(&at(7), &at(9), now).is_some() {
            given_up.push(round);
            watch.give_up(now);
        }
        now += ROUND;
    }
    assert_eq!(given_up[..5], [2, 5, 9, 17, 33]);
    assert!(given_up.windows(2).all(|pair| pair[1] - pair[0] <= 60), "{given_up:?}");
    watch.give_up(now);
    assert_eq!(watch.look(&at(7), &at(9), now), None);
    assert_eq!(watch.look(&at(8), &at(9), now), None);
    assert_eq!(watch.look(&at(8), &at(9), now + BEHIND), Some(behind(8, 9)));
}

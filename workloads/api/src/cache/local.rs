//! What this process knows of the list: pages of the generation that was read last, and the flights that get others.

use std::{collections::HashMap, time::Duration};

use futures::future::Shared;
use tokio::{sync::oneshot, time::Instant};

use super::{Key, Outcome, Page, shared::Generation};

/// Pages at most. With the bound on the bytes of each they take 16 MiB at most.
const PAGES: usize = 64;
/// How long a page is kept, less up to a fifth, so that not all end at once. Bounds how long it may be wrong if a change was not noticed.
const LIFE: Duration = Duration::from_secs(60);

/// The result of a flight; it ends without one when the flight breaks down.
pub(super) type Flight = Shared<oneshot::Receiver<Outcome>>;

/// What this process knows.
#[derive(Default)]
pub(super) struct Local {
    generation: Option<Generation>,
    /// Of this generation.
    pages: HashMap<Key, Kept>,
    flights: HashMap<(Generation, Key), Flight>,
    uses: u64,
}

struct Kept {
    page: Page,
    until: Instant,
    used: u64,
}

/// Where a page is to be had.
pub(super) enum Place {
    /// Here.
    Page(Page),
    /// From a flight that is under way.
    Flight { generation: Generation, flight: Flight },
    /// From a flight that begins with this question.
    Begun { generation: Generation, flight: Flight },
    /// No generation was read yet.
    Nowhere,
}

impl Local {
    /// Takes in the generation that was read last. Reads come one after the other, so the last one is the newest.
    pub(super) fn turn_to(&mut self, generation: Generation) {
        if self.generation != Some(generation) {
            self.generation = Some(generation);
            self.pages.clear();
        }
    }

    /// Whether that generation is the one that was read last.
    pub(super) fn is_at(&self, generation: Generation) -> bool {
        self.generation == Some(generation)
    }

    /// Where the page is to be had now. A flight that is under way for this generation began after it was found, so it is no older than any
    /// write that was answered before.
    pub(super) fn place(&mut self, key: &Key, begin: impl FnOnce() -> Flight) -> Place {
        let Some(generation) = self.generation else { return Place::Nowhere };
        self.uses += 1;
        if let Some(kept) = self.pages.get_mut(key).filter(|kept| kept.until > Instant::now()) {
            kept.used = self.uses;
            return Place::Page(kept.page.clone());
        }
        let name = (generation, key.clone());
        if let Some(flight) = self.flights.get(&name) {
            return Place::Flight { generation, flight: flight.clone() };
        }
        let flight = begin();
        self.flights.insert(name, flight.clone());
        Place::Begun { generation, flight }
    }

    /// Ends a flight. Its page is kept for so long, if the generation is still the same.
    pub(super) fn arrived(&mut self, generation: Generation, key: &Key, page: Option<(&Page, Duration)>) {
        self.flights.remove(&(generation, key.clone()));
        let Some((page, life)) = page.filter(|(page, _)| page.fits() && self.is_at(generation)) else { return };
        if self.pages.len() >= PAGES && !self.pages.contains_key(key) {
            self.leave_out_one();
        }
        let kept = Kept { page: page.clone(), until: Instant::now() + life, used: self.uses };
        self.pages.insert(key.clone(), kept);
    }

    fn leave_out_one(&mut self) {
        let longest = self.pages.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
        longest.map(|key| self.pages.remove(&key));
    }
}

/// How long a page is kept this time.
pub(super) fn life() -> Duration {
    LIFE - LIFE.mul_f64(fastrand::f64() / 5.0)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures::FutureExt;

    use super::*;

    fn page(text: &'static str) -> Page {
        Page { next: None, json: Bytes::from_static(text.as_bytes()) }
    }

    fn flight() -> Flight {
        oneshot::channel().1.shared()
    }

    /// Keeps a page under each number.
    fn filled(local: &mut Local, generation: Generation, numbers: std::ops::Range<usize>) {
        for number in numbers {
            local.arrived(generation, &Key::of(&number).unwrap(), Some((&page("[]"), LIFE)));
        }
    }

    #[test]
    fn a_page_is_kept_for_a_minute_less_up_to_a_fifth() {
        let lives: Vec<Duration> = (0..200).map(|_| life()).collect();
        assert!(lives.iter().all(|life| (48..=60).contains(&life.as_secs())));
        assert!(lives.iter().any(|life| *life != lives[0]), "all end at once");
    }

    #[test]
    fn no_more_than_64_pages_are_kept_and_the_one_that_was_not_used_for_longest_goes() {
        let (mut local, generation) = (Local::default(), Generation::new());
        local.turn_to(generation);
        filled(&mut local, generation, 0..PAGES);
        let is_kept = |local: &mut Local, number: usize| {
            matches!(local.place(&Key::of(&number).unwrap(), flight), Place::Page(_))
        };
        assert!((0..PAGES).all(|number| number == 7 || is_kept(&mut local, number)));
        filled(&mut local, generation, PAGES..PAGES + 1);
        assert_eq!(local.pages.len(), PAGES);
        assert!(is_kept(&mut local, 0) && is_kept(&mut local, PAGES) && !is_kept(&mut local, 7));
    }

    #[test]
    fn a_page_that_is_too_large_or_too_late_is_not_kept() {
        let (mut local, [before, now]) = (Local::default(), [Generation::new(), Generation::new()]);
        local.turn_to(now);
        let key = Key::of(&50).unwrap();
        let large = Page { next: None, json: vec![b' '; 256 * 1024 + 1].into() };
        for (generation, page) in [(now, &large), (before, &page("[]"))] {
            local.arrived(generation, &key, Some((page, LIFE)));
        }
        assert!(local.pages.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_ends_with_its_generation_and_with_its_time() {
        let (mut local, generation) = (Local::default(), Generation::new());
        local.turn_to(generation);
        filled(&mut local, generation, 0..1);
        let key = Key::of(&0_usize).unwrap();
        tokio::time::advance(LIFE - Duration::from_millis(1)).await;
        assert!(matches!(local.place(&key, flight), Place::Page(_)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(matches!(local.place(&key, flight), Place::Begun { .. }));
        assert!(matches!(local.place(&key, flight), Place::Flight { .. }));
        filled(&mut local, generation, 0..1);
        local.turn_to(Generation::new());
        assert!(matches!(local.place(&key, flight), Place::Begun { .. }));
    }
}

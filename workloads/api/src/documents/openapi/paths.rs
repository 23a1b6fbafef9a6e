//! Every request, by path and method.

mod inboxes;
mod notifications;
mod service;
mod streams;

use super::operation::Operation;

/// Path, method and what it does.
pub(super) type Described = (String, &'static str, Operation);

/// All of them, in the order in which the page shows them.
pub(super) fn all() -> Vec<Described> {
    [notifications::all(), inboxes::all(), streams::all(), service::all()].into_iter().flatten().collect()
}

fn described<const N: usize>(operations: [(&str, &'static str, Operation); N]) -> Vec<Described> {
    operations.into_iter().map(|(path, method, operation)| (path.to_owned(), method, operation)).collect()
}

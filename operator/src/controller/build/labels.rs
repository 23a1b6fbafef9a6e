//! Labels: what selects, and what only tells.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;
use realtime_contract::Component;

/// The application that every object of ours belongs to.
pub const APPLICATION: &str = "realtime-stack";

/// Selects every object of every stack.
pub const ALL: &str = "app.kubernetes.io/name=realtime-stack";

const NAME: &str = "app.kubernetes.io/name";
const INSTANCE: &str = "app.kubernetes.io/instance";
const COMPONENT: &str = "app.kubernetes.io/component";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Labels of an object that belongs to a stack as a whole.
pub fn of_stack(stack: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), APPLICATION.to_owned()),
        (INSTANCE.to_owned(), stack.to_owned()),
        (MANAGED_BY.to_owned(), "realtime-operator".to_owned()),
    ])
}

/// Labels of an object that belongs to a component.
pub fn of_component(stack: &str, component: Component) -> BTreeMap<String, String> {
    let mut labels = of_stack(stack);
    labels.insert(COMPONENT.to_owned(), component.name().to_owned());
    labels
}

/// Labels of a component's pods, selectors and volume claims. They cannot change as long as the object lives: name, instance and
/// component only.
pub fn selector(stack: &str, component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), APPLICATION.to_owned()),
        (INSTANCE.to_owned(), stack.to_owned()),
        (COMPONENT.to_owned(), component.to_owned()),
    ])
}

/// The stack that an object belongs to, by its label.
pub fn stack_of(metadata: &ObjectMeta) -> Option<&str> {
    metadata.labels.as_ref()?.get(INSTANCE).map(String::as_str)
}

/// Whether an object carries the labels of that stack.
pub fn belongs_to(metadata: &ObjectMeta, stack: &str) -> bool {
    let name = metadata.labels.as_ref().and_then(|labels| labels.get(NAME));
    name.is_some_and(|name| name == APPLICATION) && stack_of(metadata) == Some(stack)
}

/// The component that an object belongs to, by its label.
pub fn component_of(metadata: &ObjectMeta) -> Option<&str> {
    metadata.labels.as_ref()?.get(COMPONENT).map(String::as_str)
}

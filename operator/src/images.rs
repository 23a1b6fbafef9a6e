//! The table of images: one entry a component, each of which an installation may override (a mirror, an air gap, a local cluster).
//!
//! An override of a backend keeps the official image's paths, user ids and major version: `sh`, `redis-server` and `java` in the path,
//! Kafka's jars in `/opt/kafka/libs`, Postgres' programs in `/usr/lib/postgresql/17/bin`.

use clap::Args;
use realtime_contract::Component;
use realtime_crds::Image;

/// Full reference of each component's image.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Images")]
pub struct Images {
    /// Image of the API.
    #[arg(long = "image-api", env = "REALTIME_IMAGE_API", default_value = concat!("ghcr.io/realtimestack/realtime-api:", env!("CARGO_PKG_VERSION")))]
    pub api: String,
    /// Image of the consumer, which also prepares schema and topics.
    #[arg(long = "image-consumer", env = "REALTIME_IMAGE_CONSUMER", default_value = concat!("ghcr.io/realtimestack/realtime-consumer:", env!("CARGO_PKG_VERSION")))]
    pub consumer: String,
    /// Image of the notifications service.
    #[arg(long = "image-notifications", env = "REALTIME_IMAGE_NOTIFICATIONS", default_value = concat!("ghcr.io/realtimestack/realtime-notifications:", env!("CARGO_PKG_VERSION")))]
    pub notifications: String,
    /// Image of Redis.
    #[arg(long = "image-redis", env = "REALTIME_IMAGE_REDIS", default_value = "docker.io/library/redis:8.2.1")]
    pub redis: String,
    /// Image of Kafka.
    #[arg(long = "image-kafka", env = "REALTIME_IMAGE_KAFKA", default_value = "docker.io/apache/kafka:4.3.1")]
    pub kafka: String,
    /// Image of Postgres.
    #[arg(long = "image-postgres", env = "REALTIME_IMAGE_POSTGRES", default_value = "docker.io/library/postgres:17.6")]
    pub postgres: String,
}

impl Images {
    /// The installation's image of a component.
    pub fn of(&self, component: Component) -> &str {
        match component {
            Component::Api => &self.api,
            Component::Consumer => &self.consumer,
            Component::Notifications => &self.notifications,
            Component::Redis => &self.redis,
            Component::Kafka => &self.kafka,
            Component::Postgres => &self.postgres,
        }
    }

    /// The image of a workload in a stack: the installation's, with the stack's registry and tag in place of its own.
    pub fn of_workload(&self, component: Component, image: &Image) -> String {
        let reference = Reference::parse(self.of(component));
        let path = match &image.registry {
            Some(registry) => format!("{registry}/{}", reference.name()),
            None => reference.path.to_owned(),
        };
        match (&image.tag, reference.suffix) {
            (Some(tag), _) => format!("{path}:{tag}"),
            (None, suffix) => format!("{path}{suffix}"),
        }
    }
}

/// A reference in two parts: `registry/path/name` and `:tag`, `@digest` or nothing.
struct Reference<'a> {
    path: &'a str,
    suffix: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(reference: &'a str) -> Self {
        let name_start = reference.rfind('/').map_or(0, |slash| slash + 1);
        let split = reference[name_start..].find(['@', ':']).map_or(reference.len(), |offset| name_start + offset);
        let (path, suffix) = reference.split_at(split);
        Self { path, suffix }
    }

    fn name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

/// What follows the name of an image: the tag, or the start of the digest.
pub fn version(reference: &str) -> &str {
    let suffix = Reference::parse(reference).suffix;
    match suffix.strip_prefix("@sha256:") {
        Some(digest) => digest.get(..12).unwrap_or(digest),
        None => suffix.trim_start_matches(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(api: &str) -> Images {
        Images {
            api: api.to_owned(),
            consumer: String::new(),
            notifications: String::new(),
            redis: String::new(),
            kafka: String::new(),
            postgres: String::new(),
        }
    }

    fn image(registry: Option<&str>, tag: Option<&str>) -> Image {
        Image { registry: registry.map(str::to_owned), tag: tag.map(str::to_owned), ..Image::default() }
    }

    #[test]
    fn a_stack_without_an_image_takes_the_installations() {
        let images = images("localhost:5000/realtime-api:1.0");
        assert_eq!(images.of_workload(Component::Api, &image(None, None)), "localhost:5000/realtime-api:1.0");
    }

    #[test]
    fn a_stacks_registry_and_tag_replace_the_installations() {
        let images = images("localhost:5000/realtime-api@sha256:0123456789abcdef");
        assert_eq!(
            images.of_workload(Component::Api, &image(Some("mirror/x"), None)),
            "mirror/x/realtime-api@sha256:0123456789abcdef"
        );
        assert_eq!(images.of_workload(Component::Api, &image(None, Some("2.0"))), "localhost:5000/realtime-api:2.0");
    }

    #[test]
    fn a_version_is_the_tag_or_the_start_of_the_digest() {
        assert_eq!(version("localhost:5000/realtime-api"), "");
        assert_eq!(version("docker.io/library/redis:8.2.1"), "8.2.1");
        assert_eq!(version("redis@sha256:0123456789abcdef"), "0123456789ab");
    }
}

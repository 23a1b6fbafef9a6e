//! The conditions of a stack: always the same set, always all of them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// The current generation is applied, and every workload and backend has its own current generation and is available.
    Ready,
    /// Every object holds what the spec says.
    Reconciled,
    /// A roll-out goes on.
    Progressing,
    /// Something is missing that had been there, or a part beside the data path is away.
    Degraded,
    /// The operator only reports.
    Paused,
    /// A newer operator would change pods and waits for approval.
    UpgradePending,
}

impl ConditionType {
    /// All of them, in the order of the status.
    pub const ALL: [Self; 6] =
        [Self::Ready, Self::Reconciled, Self::Progressing, Self::Degraded, Self::Paused, Self::UpgradePending];

    /// The name in the status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciled => "Reconciled",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::Paused => "Paused",
            Self::UpgradePending => "UpgradePending",
        }
    }
}

/// Reading conditions by type.
pub trait Conditions {
    /// The condition of that type.
    fn of(&self, condition_type: ConditionType) -> Option<&Condition>;

    /// Whether the condition of that type is `True`.
    fn holds(&self, condition_type: ConditionType) -> bool {
        self.of(condition_type).is_some_and(|condition| condition.status == "True")
    }
}

impl Conditions for [Condition] {
    fn of(&self, condition_type: ConditionType) -> Option<&Condition> {
        self.iter().find(|condition| condition.type_ == condition_type.name())
    }
}

//! The conditions: the table of cases in `docs/architecture.md`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use realtime_crds::{ComponentState, ConditionType, Conditions};

use super::Facts;
use super::component::ComponentView;
use crate::controller::dereference::token_key::RELOAD;

/// The longest message: more than a reader takes in, less than the API server refuses.
const LONGEST_MESSAGE: usize = 1024;

/// Status, reason and message of one condition.
struct Verdict {
    status: &'static str,
    reason: &'static str,
    message: String,
}

fn verdict(status: bool, reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict { status: if status { "True" } else { "False" }, reason, message: message.into() }
}

/// What the verdicts are drawn from.
struct Situation {
    stopped: bool,
    paused: bool,
    refused: Option<String>,
    failure: Option<(&'static str, String)>,
    complete: bool,
    progressing: bool,
    serving: bool,
    explanation: String,
    unwatched_secret: Option<String>,
}

/// All conditions of the stack.
pub fn all(facts: &Facts<'_>, components: &[ComponentView]) -> Vec<Condition> {
    let situation = situation(facts, components);
    ConditionType::ALL
        .into_iter()
        .map(|condition_type| condition(facts, condition_type, judge(&situation, condition_type)))
        .collect()
}

fn situation(facts: &Facts<'_>, components: &[ComponentView]) -> Situation {
    let settled = |view: &ComponentView| matches!(view.status.state, ComponentState::Ready | ComponentState::Stopped);
    let rolling = components.iter().any(|view| view.status.state == ComponentState::RollingOut);
    let complete = components.iter().all(settled);
    let paused = facts.is_paused();
    let failure = facts.failure();
    let refused = failure.as_ref().filter(|(category, _)| *category == "SpecRefused").map(|(_, why)| why.clone());
    let under_way = rolling
        || facts.previous.observed_generation != facts.stack.metadata.generation
        || facts.previous.conditions.holds(ConditionType::Progressing);
    let progressing = !paused && refused.is_none() && !complete && under_way;
    let available = components.iter().all(|view| view.available);
    let some_left =
        components.iter().all(|view| (view.status.ready > 0 || view.status.desired == 0) && !view.dependency_away);
    Situation {
        stopped: facts.validated.is_some_and(|stack| !stack.running),
        paused,
        serving: if progressing { available } else { some_left },
        refused,
        failure,
        complete,
        progressing,
        explanation: explanation(components),
        unwatched_secret: facts.validated.and_then(|stack| stack.unwatched_secret.clone()),
    }
}

/// What keeps the stack, component by component; components with the same sentence share it.
fn explanation(components: &[ComponentView]) -> String {
    let mut sentences: Vec<(Vec<String>, &str)> = Vec::new();
    for status in components.iter().map(|view| &view.status) {
        let Some(message) = status.message.as_deref() else { continue };
        let name = format!("{} {}/{}", status.name, status.ready, status.desired);
        match sentences.iter_mut().find(|(_, sentence)| *sentence == message) {
            Some((names, _)) => names.push(name),
            None => sentences.push((vec![name], message)),
        }
    }
    let sentences = sentences.into_iter().map(|(names, message)| format!("{}: {message}", names.join(", ")));
    shortened(sentences.collect::<Vec<_>>().join("; "))
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn judge(situation: &Situation, condition_type: ConditionType) -> Verdict {
    match condition_type {
        ConditionType::Ready => ready(situation),
        ConditionType::Reconciled => reconciled(situation),
        ConditionType::Progressing => progressing(situation),
        ConditionType::Degraded => degraded(situation),
        ConditionType::Paused if situation.paused => {
            verdict(true, "Paused", "objects stay as they are; set operation.reconciliation to Active to go on")
        }
        ConditionType::Paused => verdict(false, "Active", "the operator makes the cluster hold what the spec says"),
        ConditionType::UpgradePending => verdict(false, "Automatic", "pods follow the operator's version"),
    }
}

fn ready(situation: &Situation) -> Verdict {
    if let Some(sentence) = &situation.refused {
        return verdict(false, "SpecRefused", sentence);
    }
    if let Some((category, sentence)) = &situation.failure {
        return verdict(false, category, sentence);
    }
    if situation.stopped {
        return verdict(false, "Stopped", "stopped on request; set operation.state to Running to start it");
    }
    if situation.serving && situation.complete {
        return verdict(true, "Ready", "every component is ready");
    }
    if situation.serving {
        let reason = if situation.progressing { "RollingOut" } else { "ReadyDegraded" };
        return verdict(true, reason, &*situation.explanation);
    }
    let reason = if situation.progressing { "RollingOut" } else { "ComponentsNotReady" };
    verdict(false, reason, &*situation.explanation)
}

fn reconciled(situation: &Situation) -> Verdict {
    if situation.paused {
        return Verdict { status: "Unknown", reason: "Paused", message: "the operator only reports".to_owned() };
    }
    match (&situation.failure, &situation.unwatched_secret) {
        (Some((category, sentence)), _) => verdict(false, category, sentence),
        (None, None) => verdict(true, "Applied", "every object is applied"),
        (None, Some(secret)) => verdict(
            true,
            "Applied",
            format!(
                "every object is applied; a change of secret {secret} is noticed only with the next change of the stack: label it {RELOAD}=true"
            ),
        ),
    }
}

fn progressing(situation: &Situation) -> Verdict {
    if situation.progressing {
        return verdict(true, "RollingOut", &*situation.explanation);
    }
    verdict(false, if situation.paused { "Paused" } else { "Settled" }, "no roll-out is going on")
}

fn degraded(situation: &Situation) -> Verdict {
    if !situation.complete && !situation.progressing {
        return verdict(true, "ComponentsNotReady", &*situation.explanation);
    }
    verdict(false, "AsDesired", "nothing is missing that had been there")
}

/// The time of a transition is that of the last flip of the status, not of its words.
fn condition(facts: &Facts<'_>, condition_type: ConditionType, verdict: Verdict) -> Condition {
    let previous = facts.previous.conditions.of(condition_type);
    let since = previous.filter(|previous| previous.status == verdict.status).map(|it| it.last_transition_time.clone());
    Condition {
        type_: condition_type.name().to_owned(),
        status: verdict.status.to_owned(),
        reason: verdict.reason.to_owned(),
        message: verdict.message,
        observed_generation: facts.stack.metadata.generation,
        last_transition_time: since.unwrap_or(Time(facts.now)),
    }
}

//! A training's settings, for the record.

use crate::Session;
use deepeyes_network::{Policy, Solver, SolverKind};
use serde_json::{Value, json};

/// The settings as one JSON object.
pub(crate) fn json(session: &Session) -> String {
    let config = &session.config;
    let Solver { kind, lr, weight_decay, policy, batch, iterations, validate_every, .. } = &config.solver;
    let solver = match kind {
        SolverKind::Sgd { momentum } => json!({"type": "sgd", "momentum": momentum}),
        SolverKind::Adam { beta1, beta2, eps } => {
            json!({"type": "adam", "beta1": beta1, "beta2": beta2, "eps": eps})
        }
    };
    json!({
        "solver": solver,
        "lr": lr,
        "weight_decay": weight_decay,
        "policy": json_of_policy(policy),
        "batch": batch,
        "iterations": iterations,
        "validate_every": validate_every,
        "seed": session.seed,
        "shards": session.shards,
        "freeze": config.freeze,
        "probe": config.probe,
        "mean": session.preprocess.mean,
        "scale": session.preprocess.scale,
        "crop": session.preprocess.crop,
        "mirror": session.preprocess.mirror,
        "device": format!("{:?}", session.device),
    })
    .to_string()
}

fn json_of_policy(policy: &Policy) -> Value {
    let settings = match policy {
        Policy::Fixed => json!({}),
        Policy::Step { gamma, step } => json!({"gamma": gamma, "step": step}),
        Policy::MultiStep { gamma, steps } => json!({"gamma": gamma, "steps": steps}),
        Policy::Exp { gamma } => json!({"gamma": gamma}),
        Policy::Inv { gamma, power } => json!({"gamma": gamma, "power": power}),
        Policy::Poly { power } => json!({"power": power}),
        Policy::Sigmoid { gamma, step } => json!({"gamma": gamma, "step": step}),
    };
    json!({policy.name(): settings})
}

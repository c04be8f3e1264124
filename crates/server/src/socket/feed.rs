//! What one page is to hear next: the difference between what it was last sent and how things are.

use super::session::Subscription;
use super::tick;
use crate::api::blocking;
use crate::app::App;
use crate::error::ApiResult;
use crate::frame::Place;
use crate::runs::Source;
use crate::views::{self, Snapshots};
use crate::wire::{Overview, OverviewMessage, RunMessage, ScalarsMessage, ServerMessage, View};
use axum::extract::ws::Message;
use deepeyes_core::LayerSpec;
use deepeyes_engine::Watch;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two looks at what another process writes, and at the list of runs on the disk.
const POLL: Duration = Duration::from_secs(1);
/// Iterations in one `scalars` message at most.
const MOST_SCALARS: usize = 2000;

/// What one page is to hear next.
pub(super) struct Feed {
    app: App,
    generation: Option<u64>,
    listed: Option<Instant>,
    looked: Option<Look>,
}

/// A page's look at one run, and what it was last sent of it.
struct Look {
    subscription: Subscription,
    /// When a run that another process writes was last looked at.
    polled: Option<Instant>,
    /// Lets a live run refine the layer's maps first.
    watch: Option<Watch>,
    sent: Sent,
}

/// Which state of a map: its iteration, the optimisation's steps, whether it is settled.
type MapState = (u64, usize, bool);

#[derive(Debug, Clone, Default)]
struct Sent {
    /// Whether this process trained the run at the last look.
    live: bool,
    version: u64,
    tick: Option<RunMessage>,
    /// The last iteration of the curves.
    step: Option<u64>,
    validations: Option<usize>,
    overview: Option<Overview>,
    findings: u64,
    /// Which windows the layers had.
    windows: u64,
    /// Which window the subscribed layer had.
    layer: Option<u64>,
    filter_map: Option<MapState>,
    input_map: Option<MapState>,
    /// The iteration of the input map whose activations were sent.
    activations: Option<u64>,
}

impl Feed {
    pub(super) fn new(app: App) -> Self {
        Self { app, generation: None, listed: None, looked: None }
    }

    /// The page looks at something else.
    pub(super) fn subscribe(&mut self, subscription: Option<Subscription>) {
        self.looked = subscription.map(|subscription| Look {
            sent: Sent { step: subscription.since, ..Sent::default() },
            subscription,
            polled: None,
            watch: None,
        });
    }

    /// Looks at how things are: what is new since the last look, at most one message a view.
    pub(super) async fn look(&mut self) -> ApiResult<Vec<Message>> {
        let mut messages: Vec<Message> = self.look_at_list().await?.into_iter().collect();
        if let Some(look) = &mut self.looked {
            let app = self.app.clone();
            let (subscription, sent, polled) = (look.subscription.clone(), look.sent.clone(), look.polled);
            let unwatched = look.watch.is_none();
            let changes = blocking(move || changes(&app, &subscription, sent, polled, unwatched)).await?;
            if let Some(changes) = changes {
                look.sent = changes.sent;
                look.polled = changes.polled;
                look.watch = look.watch.take().or(changes.watch);
                messages.extend(changes.messages);
            }
        }
        Ok(messages)
    }

    async fn look_at_list(&mut self) -> ApiResult<Option<Message>> {
        // A training that begins in this process is seen at once, and the disk left alone.
        let due = self.listed.is_none_or(|at| at.elapsed() >= POLL);
        if due {
            self.listed = Some(Instant::now());
        }
        let runs = self.app.runs.clone();
        let look = move || if due { runs.generation() } else { Ok(runs.known_generation()) };
        let generation = blocking(look).await?;
        let before = self.generation.replace(generation);
        let changed = before.is_some_and(|before| before != generation);
        changed.then(|| json(&ServerMessage::RunsChanged)).transpose()
    }
}

/// What a look found.
struct Changes {
    messages: Vec<Message>,
    sent: Sent,
    polled: Option<Instant>,
    watch: Option<Watch>,
}

/// Compares a run with what was last sent of it; `None` where it need not be looked at yet.
fn changes(
    app: &App,
    subscription: &Subscription,
    mut sent: Sent,
    polled: Option<Instant>,
    unwatched: bool,
) -> ApiResult<Option<Changes>> {
    let run = app.runs.find(&subscription.run)?;
    let live = run.live();
    let first = sent.tick.is_none();
    if live.is_none() && !first && !sent.live && polled.is_some_and(|at| at.elapsed() < POLL) {
        return Ok(None);
    }
    let mut messages = Vec::new();
    let tick = tick::of(&run, live.as_ref())?;
    let moved = first || sent.live != live.is_some() || sent.version != tick.version;
    if sent.tick.as_ref() != Some(&tick) {
        messages.push(json(&ServerMessage::Run(tick.clone()))?);
    }
    if moved {
        messages.extend(scalars(&run, &tick, &mut sent)?);
        messages.extend(windows(&run, subscription, &mut sent)?);
    }
    messages.extend(maps(&run, subscription, &mut sent)?);
    let on_maps = subscription
        .views
        .iter()
        .any(|view| matches!(view, View::FilterMap | View::InputMap | View::Activations));
    let watch = subscription.layer.filter(|_| on_maps && unwatched).and_then(|layer| run.watch(layer));
    sent.live = live.is_some();
    sent.version = tick.version;
    sent.tick = Some(tick);
    Ok(Some(Changes { messages, sent, polled: Some(Instant::now()), watch }))
}

fn json(message: &ServerMessage) -> ApiResult<Message> {
    Ok(Message::text(serde_json::to_string(message)?))
}

/// What the curves gained.
fn scalars(run: &Source, tick: &RunMessage, sent: &mut Sent) -> ApiResult<Option<Message>> {
    // A run that was resumed from a checkpoint goes on from there.
    let after = sent.step.unwrap_or(tick.step).min(tick.step);
    let new = run.scalars_after(Some(after))?;
    let all = run.validations()?;
    let known = sent.validations.unwrap_or_else(|| {
        let since = sent.step.unwrap_or(u64::MAX);
        all.iter().take_while(|validation| validation.step <= since).count()
    });
    let validations = all.get(known..).unwrap_or_default();
    sent.step = Some(new.last().map_or(after, |scalar| scalar.step));
    sent.validations = Some(all.len());
    if new.is_empty() && validations.is_empty() {
        return Ok(None);
    }
    let (step, loss, train_accuracy) = views::columns(&views::thin(&new, MOST_SCALARS));
    let validations = views::validations(validations);
    let gained = ScalarsMessage { run: run.id.clone(), step, loss, train_accuracy, validations };
    json(&ServerMessage::Scalars(gained)).map(Some)
}

/// New windows: the overview, and the subscribed layer's filters.
fn windows(run: &Source, subscription: &Subscription, sent: &mut Sent) -> ApiResult<Vec<Message>> {
    let mut messages = Vec::new();
    let wants = |view| subscription.views.contains(&view);
    if !wants(View::Overview) && !wants(View::Layer) {
        return Ok(messages);
    }
    let snapshots = views::snapshots(run, None)?;
    let windows =
        digest(snapshots.iter().flatten().map(|snapshot| (Arc::as_ptr(snapshot) as usize, snapshot.to)));
    if windows == std::mem::replace(&mut sent.windows, windows) {
        return Ok(messages);
    }
    let layers = run.description()?.layers;
    if wants(View::Overview) {
        messages.extend(overview(run, &layers, &snapshots, sent)?);
    }
    if wants(View::Layer)
        && let Some(layer) = subscription.layer
    {
        run.check_layer(layer)?;
        if let Some(snapshot) = &snapshots[layer] {
            let sample = run.sample(layer, snapshot)?;
            let place = Place { run: run.id.clone(), layer: Some(layer), step: snapshot.to };
            let frame = views::filters(place, &layers[layer], snapshot, sample.as_deref())?;
            let digest = digest(frame.iter());
            if sent.layer.replace(digest) != Some(digest) {
                messages.push(Message::Binary(frame));
            }
        }
    }
    Ok(messages)
}

fn overview(
    run: &Source,
    layers: &[LayerSpec],
    snapshots: &Snapshots,
    sent: &mut Sent,
) -> ApiResult<Option<Message>> {
    let overview = views::overview_of_snapshots(snapshots, None);
    if overview.layers.is_empty() || sent.overview.as_ref() == Some(&overview) {
        return Ok(None);
    }
    let findings = serde_json::to_vec(&views::findings_of_layers(layers, snapshots).findings)?;
    let findings = digest(findings.iter());
    let findings_changed = std::mem::replace(&mut sent.findings, findings) != findings;
    sent.overview = Some(overview.clone());
    json(&ServerMessage::Overview(OverviewMessage { run: run.id.clone(), overview, findings_changed }))
        .map(Some)
}

/// The subscribed layer's maps where they have moved.
fn maps(run: &Source, subscription: &Subscription, sent: &mut Sent) -> ApiResult<Vec<Message>> {
    let mut messages = Vec::new();
    let wants = |view| subscription.views.contains(&view);
    let Some(layer) = subscription.layer else { return Ok(messages) };
    if !wants(View::FilterMap) && !wants(View::InputMap) && !wants(View::Activations) {
        return Ok(messages);
    }
    let description = run.check_layer(layer)?;
    let Some(maps) = run.maps(layer, None)? else { return Ok(messages) };
    if let Some(map) = maps.filter.as_ref().filter(|_| wants(View::FilterMap)) {
        let state = (map.step, map.iterations, map.settled);
        if sent.filter_map.replace(state) != Some(state) {
            messages.push(Message::Binary(views::filter_map(&run.id, layer, map)?));
        }
    }
    let Some(map) = &maps.input else { return Ok(messages) };
    let state = (map.step, map.iterations, map.settled);
    if wants(View::InputMap) && sent.input_map.replace(state) != Some(state) {
        messages.push(Message::Binary(views::input_map(&run.id, layer, &description.layers[layer], map)?));
    }
    if wants(View::Activations) && sent.activations.replace(map.step) != Some(map.step) {
        messages.push(Message::Binary(views::activations(&run.id, layer, map)?));
    }
    Ok(messages)
}

fn digest(values: impl Iterator<Item = impl Hash>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}

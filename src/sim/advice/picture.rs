//! Advice as a picture: each setting by what it costs and how long clients wait, the front between
//! them, the policy's own setting and the knee.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::sim::report::svg::canvas::{Canvas, EDGE, WIDTH};
use crate::sim::report::svg::{document, nice_step};
use crate::units::Span;

use super::text::{conclusion, heading};
use super::{Advice, Trial, written};

/// Height of the field of points.
const HEIGHT: i64 = 4_400;
/// Left edge of the field.
const LEFT: i64 = 1_200;
/// Radius of a point, and of the ring around the present setting.
const RADII: (i64, i64) = (50, 90);

/// Where costs and waits stand.
struct Field {
    top: i64,
    dearest: Decimal,
    longest: Decimal,
}

impl Field {
    fn x(&self, cost: Decimal) -> i64 {
        LEFT + share(cost, self.dearest, WIDTH - EDGE - 900 - LEFT)
    }
    fn y(&self, seconds: Decimal) -> i64 {
        self.top + HEIGHT - share(seconds, self.longest, HEIGHT)
    }
    fn at(&self, trial: &Trial) -> (i64, i64) {
        (self.x(trial.price()), self.y(trial.mean_wait()))
    }
}

/// The part of a length that an amount is of the whole.
fn share(amount: Decimal, whole: Decimal, length: i64) -> i64 {
    let part = amount * Decimal::from(length) / whole;
    part.trunc().to_i64().unwrap_or(0)
}

/// The picture.
pub fn svg(advice: &Advice) -> String {
    let mut canvas = Canvas {
        body: String::new(),
        left: LEFT,
        y: EDGE,
    };
    let title = format!("Idle time-out and spares of {}", advice.pool);
    canvas.text(EDGE, canvas.y + 180, "title", &title);
    canvas.text(EDGE, canvas.y + 390, "quiet", &heading(advice));
    canvas.y += 700;
    for sentence in conclusion(advice)
        .iter()
        .flat_map(|s| s.split_inclusive(". "))
    {
        canvas.text(EDGE, canvas.y, "", sentence.trim_end());
        canvas.y += 180;
    }
    canvas.y += 140;
    legend(&mut canvas);
    canvas.y += 460;
    let most = |of: &dyn Fn(&Trial) -> Decimal| {
        let most = advice.trials.iter().map(of).max().unwrap_or_default();
        let step = nice_step(most);
        (step, (most / step).ceil().max(Decimal::ONE) * step)
    };
    let (cost_step, dearest) = most(&Trial::price);
    let (wait_step, longest) = most(&Trial::mean_wait);
    let field = Field {
        top: canvas.y,
        dearest,
        longest,
    };
    scales(
        &mut canvas,
        advice,
        &field,
        cost_step,
        wait_step.max(Decimal::ONE),
    );
    front(&mut canvas, advice, &field);
    // What matters most is drawn last, and so on top.
    let mut order: Vec<(usize, &Trial)> = advice.trials.iter().enumerate().collect();
    order.sort_by_key(|(at, trial)| (Some(*at) == advice.knee, trial.on_front));
    for (at, trial) in order {
        point(&mut canvas, advice, &field, at, trial);
    }
    canvas.y += HEIGHT + 600;
    document(canvas, &title)
}

fn legend(canvas: &mut Canvas) {
    let kinds = [
        ("held", "on the front"),
        (
            "other",
            "beaten: another is cheaper or quicker, and no worse otherwise",
        ),
        ("knee", "the knee"),
    ];
    canvas.swatches(EDGE, kinds.map(|(c, w)| (c.into(), w.into())).into_iter());
    let ring = WIDTH - EDGE - 1_600;
    canvas.circle("now", ring, canvas.y - 40, 60);
    canvas.text(ring + 140, canvas.y, "", "the policy as it is");
}

fn scales(
    canvas: &mut Canvas,
    advice: &Advice,
    field: &Field,
    cost_step: Decimal,
    wait_step: Decimal,
) {
    let (bottom, right) = (field.top + HEIGHT, field.x(field.dearest));
    let mut wait = Decimal::ZERO;
    while wait <= field.longest {
        let y = field.y(wait);
        canvas.line("grid", (LEFT, y), (right, y));
        let label = Span::seconds(wait.to_i64().unwrap_or(0)).to_string();
        canvas.text(LEFT - 100, y + 40, "end quiet", &label);
        wait += wait_step;
    }
    let mut cost = Decimal::ZERO;
    while cost <= field.dearest {
        let x = field.x(cost);
        canvas.line("grid", (x, field.top), (x, bottom));
        canvas.text(x, bottom + 180, "mid quiet", &cost.normalize().to_string());
        cost += cost_step;
    }
    let days = advice.days;
    let unit = match &advice.currency {
        Some(currency) => format!("cost in {days} days, {currency}"),
        None => format!("minutes billed in {days} days"),
    };
    canvas.text(right, bottom + 380, "end head", &unit);
    canvas.text(EDGE, field.top - 140, "head", "waiting per visit");
}

/// The front as a line, and the straight one between its ends that the knee is farthest from.
fn front(canvas: &mut Canvas, advice: &Advice, field: &Field) {
    let mut front: Vec<&Trial> = advice.trials.iter().filter(|t| t.on_front).collect();
    front.sort_by_key(|t| t.price());
    if let ([first, .., last], Some(_)) = (&*front, advice.knee) {
        canvas.line("chord", field.at(first), field.at(last));
    }
    for pair in front.windows(2) {
        canvas.line("front", field.at(pair[0]), field.at(pair[1]));
    }
}

fn point(canvas: &mut Canvas, advice: &Advice, field: &Field, at: usize, trial: &Trial) {
    let (x, y) = field.at(trial);
    let class = match (Some(at) == advice.knee, trial.on_front) {
        (true, _) => "knee",
        (false, true) => "held",
        (false, false) => "other",
    };
    canvas.circle(class, x, y, RADII.0);
    if at == advice.now {
        canvas.circle("now", x, y, RADII.1);
    }
    // Only what one would choose has a name: the others stand close together.
    if trial.on_front || at == advice.now {
        let name = format!("{}, spare {}", written(trial.idle_timeout), trial.spare);
        let above = if trial.on_front { -60 } else { 190 };
        canvas.text(x + 120, y + above, "", &name);
    }
}

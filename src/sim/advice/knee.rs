//! The front of what is not worse at both, and its knee.
//!
//! The knee is that of Kneedle (Satopää et al., 2011) for points instead of a curve: both axes are
//! stretched so that the front reaches from 0 to 1, and the knee is the point of the front that
//! lies farthest below the straight line between its two ends. There a little more money no longer
//! saves much waiting, and a little less costs much of it.

use rust_decimal::Decimal;

/// What something costs, and how long it makes people wait.
pub(super) type Point = (Decimal, Decimal);

/// The points that no other is better than: cheapest first. Of equal points the first stands for
/// all.
pub(super) fn front(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|at| (points[*at], *at));
    let mut front: Vec<usize> = Vec::new();
    for at in order {
        // Whatever came before is no dearer, so only a shorter wait is a reason.
        if front
            .last()
            .is_none_or(|last| points[at].1 < points[*last].1)
        {
            front.push(at);
        }
    }
    front
}

/// The point of the front that lies farthest below the line between its ends; `None` where none
/// lies below it. Of equally far ones, the cheapest.
pub(super) fn knee(points: &[Point], front: &[usize]) -> Option<usize> {
    let (first, last) = (points[*front.first()?], points[*front.last()?]);
    let (dearer, quicker) = (last.0 - first.0, first.1 - last.1);
    // How far below the line, times both lengths: so there is nothing to divide.
    let below = |at: usize| {
        let (cost, wait) = points[at];
        dearer * quicker - (cost - first.0) * quicker - (wait - last.1) * dearer
    };
    let mut best: Option<(Decimal, usize)> = None;
    for at in front {
        let depth = below(*at);
        if depth > best.map_or(Decimal::ZERO, |(deepest, _)| deepest) {
            best = Some((depth, *at));
        }
    }
    best.map(|(_, at)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(of: &[(i64, i64)]) -> Vec<Point> {
        let point = |(cost, wait): &(i64, i64)| (Decimal::from(*cost), Decimal::from(*wait));
        of.iter().map(point).collect()
    }

    #[test]
    fn the_front_has_what_nothing_else_is_better_than() {
        let all = points(&[(5, 5), (1, 9), (6, 5), (9, 1), (5, 5), (9, 2), (1, 10)]);
        assert_eq!(front(&all), [1, 0, 3]);
        assert_eq!(front(&points(&[(1, 1), (2, 2)])), [0]);
        assert_eq!(front(&[]), Vec::<usize>::new());
    }

    #[test]
    fn the_knee_lies_farthest_below_the_line_between_the_ends() {
        // From (0, 100) to (100, 0): the sums of both say how far below the line a point is.
        let all = points(&[(0, 100), (10, 60), (20, 20), (60, 5), (100, 0)]);
        assert_eq!(knee(&all, &front(&all)), Some(2));
        // Neither unit matters.
        let scaled: Vec<Point> = all
            .iter()
            .map(|(c, w)| (c * Decimal::new(37, 2), w * Decimal::from(3_600)))
            .collect();
        assert_eq!(knee(&scaled, &front(&scaled)), Some(2));
        // Of two that are as far the cheaper one.
        let tied = points(&[(0, 100), (20, 30), (30, 20), (100, 0)]);
        assert_eq!(knee(&tied, &front(&tied)), Some(1));
    }

    #[test]
    fn a_front_that_is_straight_bulges_up_or_has_two_points_has_no_knee() {
        for of in [
            &[(0, 100), (50, 50), (100, 0)][..],
            &[(0, 100), (60, 60), (100, 0)],
            &[(0, 100), (100, 0)],
            &[(3, 4)],
            &[],
        ] {
            let all = points(of);
            assert_eq!(knee(&all, &front(&all)), None, "{of:?}");
        }
    }

    proptest! {
        #[test]
        fn everything_off_the_front_is_beaten_by_a_point_on_it(
            of in proptest::collection::vec((0i64..50, 0i64..50), 0..20),
        ) {
            let all = points(&of);
            let front = front(&all);
            for (at, point) in all.iter().enumerate() {
                let beaten = front.iter().any(|f| {
                    let other = all[*f];
                    *f != at && other.0 <= point.0 && other.1 <= point.1
                });
                prop_assert!(front.contains(&at) != beaten, "{of:?} {at}");
            }
            if let Some(knee) = knee(&all, &front) {
                prop_assert!(front[1..front.len() - 1].contains(&knee));
            }
        }
    }
}

//! Who goes with whom: the pairing of two lists at the least total cost.
//!
//! Kuhn's Hungarian method ("The Hungarian Method for the Assignment Problem", Naval Research
//! Logistics Quarterly 2, 1955) with potentials and shortest augmenting paths, O(n³).

/// For each row the column it is paired with, so that the sum of the costs is the least there is;
/// of several such pairings the same one each time. `None` unless the costs are a square of finite
/// numbers.
pub fn assign(costs: &[Vec<f64>]) -> Option<Vec<usize>> {
    let n = costs.len();
    let is_square = costs.iter().all(|row| row.len() == n);
    if !is_square || !costs.iter().flatten().all(|cost| cost.is_finite()) {
        return None;
    }
    // Column n stands for "none yet".
    let mut row_potential = vec![0.0; n];
    let mut column_potential = vec![0.0; n + 1];
    let mut row_of: Vec<Option<usize>> = vec![None; n + 1];
    for start in 0..n {
        row_of[n] = Some(start);
        let mut slack = vec![f64::INFINITY; n];
        let mut came_from = vec![n; n];
        let mut visited = vec![false; n + 1];
        let mut column = n;
        while let Some(row) = row_of[column] {
            visited[column] = true;
            let (mut least, mut next) = (f64::INFINITY, None);
            for other in (0..n).filter(|other| !visited[*other]) {
                let reduced = costs[row][other] - row_potential[row] - column_potential[other];
                if reduced < slack[other] {
                    slack[other] = reduced;
                    came_from[other] = column;
                }
                if slack[other] < least {
                    (least, next) = (slack[other], Some(other));
                }
            }
            // Only sums of the largest floats leave nowhere to go.
            let next = next?;
            for passed in 0..=n {
                match (visited[passed], row_of[passed]) {
                    (true, Some(row)) => {
                        row_potential[row] += least;
                        column_potential[passed] -= least;
                    }
                    _ if passed < n => slack[passed] -= least,
                    _ => {}
                }
            }
            column = next;
        }
        // Along the path each column takes the row of the one before.
        while column != n {
            row_of[column] = row_of[came_from[column]];
            column = came_from[column];
        }
    }
    let mut pairs = vec![0; n];
    for (column, row) in row_of[..n].iter().enumerate() {
        pairs[(*row)?] = column;
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::assign;

    #[test]
    fn the_cheapest_for_one_gives_way_to_the_cheapest_for_all() {
        let costs = [vec![1.0, 2.0], vec![1.0, 10.0]];
        assert_eq!(assign(&costs), Some(vec![1, 0]));
    }

    #[test]
    fn nothing_is_paired_with_nothing() {
        assert_eq!(assign(&[]), Some(vec![]));
    }

    #[test]
    fn what_is_no_square_of_numbers_has_no_pairing() {
        assert_eq!(assign(&[vec![1.0, 2.0]]), None);
        assert_eq!(assign(&[vec![f64::NAN]]), None);
    }
}

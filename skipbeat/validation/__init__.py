"""Published numbers of other simulators beside ours, with an explanation for each difference."""

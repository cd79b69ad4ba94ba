"""Measurement: the values of an experiment, taken in turns."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.contender import OURS
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.row import Row


@dataclass(frozen=True)
class Measurement:
    experiment: Experiment
    loops: dict[str, int]
    """By contender."""
    values: dict[str, dict[str, list[float]]]
    """By quantity and contender, one for each round."""
    left_out: tuple[str, ...] = ()
    """A line for each of the others that did not do the work on this machine."""

    @classmethod
    def take(cls, experiment: Experiment, seconds: float) -> Measurement:
        """Checks that the contenders agree, then times them.

        In every round each contender is timed once, a different one first each time, so that what else the machine
        does hits all of them alike; what is compared is always of the same round. One of the others that cannot keep up
        with what happens in real time is left out.

        Raises:
            DisagreementError: The contenders do not agree, or ours did not do the work.
        """
        experiment.check()
        contenders = experiment.contenders
        loops = {contender.name: contender.calibrate(seconds) for contender in contenders}
        values: dict[str, dict[str, list[float]]] = {
            quantity.name: {contender.name: [] for contender in contenders} for quantity in experiment.quantities
        }
        left_out: dict[str, str] = {}
        for number in range(experiment.rounds):
            first = number % len(contenders)
            for contender in contenders[first:] + contenders[:first]:
                if contender.name in left_out:
                    continue
                try:
                    sample = contender.sample(loops[contender.name])
                except DisagreementError as error:
                    if contender.name == OURS:
                        raise
                    left_out[contender.name] = f"left out: {contender.name} in {experiment.name}: {error}"
                    continue
                for quantity in experiment.quantities:
                    values[quantity.name][contender.name].append(sample[quantity.name])
        kept = tuple(contender for contender in contenders if contender.name not in left_out)
        return cls(replace(experiment, contenders=kept), loops, values, tuple(left_out.values()))

    def rows(self) -> list[Row]:
        return [row for quantity in self.experiment.quantities for row in self._rows_of(quantity)]

    def _rows_of(self, quantity: Quantity) -> list[Row]:
        rows = []
        for contender in self.experiment.contenders:
            target = next((one for one in quantity.targets if one.contender == contender.name), None)
            rows.append(
                Row(
                    name=self.experiment.row_name(quantity),
                    contender=contender.name,
                    quantity=quantity,
                    loops=self.loops[contender.name],
                    inner_loops=contender.inner_loops,
                    values=self.values[quantity.name][contender.name],
                    ours=self.values[quantity.name][self.experiment.contenders[0].name],
                    target=target,
                    reached=target.reached(self.values, quantity.name) if target is not None else None,
                )
            )
        return rows

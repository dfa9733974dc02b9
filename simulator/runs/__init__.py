"""From a seed to a scenario to a report: generators, single runs, soaks, and smaller failing cases."""

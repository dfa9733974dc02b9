"""The actors of a simulated world: machines, agents, network, coordinators, operators, faults."""

export { runSimulation, type SimulationResult } from "../lib/simulation/run-simulation.ts";
export type { Scenario, Trouble, Verb } from "../lib/simulation/scenario.ts";

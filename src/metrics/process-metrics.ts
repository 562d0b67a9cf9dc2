/**
 * The metrics of Node.js and its process. They belong to no server: what observes garbage collections and the delay of the
 * event loop runs until the process ends, so all servers of a process share it.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/** The first call begins to observe. */
export function observeProcess(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}

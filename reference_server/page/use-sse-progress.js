/**
 * The React hook: follows a task while the component is mounted.
 *
 *     const { progress, error, isConnected } = useSSEProgress(taskId);
 *
 * Returns ProgressClient's state; with no task id, the idle state. A new task id never shows the old
 * task's progress. `options` are read when the task id changes.
 */
import { useEffect, useState } from "react";
import { IDLE, ProgressClient } from "./progress-client.js";

export function useSSEProgress(taskId, options) {
  const [seen, setSeen] = useState({ taskId, state: IDLE });

  useEffect(() => {
    if (!taskId) return undefined;
    const client = new ProgressClient(taskId, options);
    client.subscribe((state) => setSeen({ taskId, state }));
    return () => client.close();
    // An options object written in the call is new on every render: it must not reconnect.
  }, [taskId]);

  return taskId && seen.taskId === taskId ? seen.state : IDLE;
}

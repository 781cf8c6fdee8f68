/** A React application around the hook, for the test to mount, change and unmount. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useSSEProgress } from "use-sse-progress";

globalThis.rendered = []; // every render: [taskId, what the hook returned]

function Progress({ taskId }) {
  const state = useSSEProgress(taskId, { graceMs: 60_000 }); // a new object each render, as users write it
  globalThis.rendered.push([taskId, state]);
  const { progress, error, isConnected } = state;
  return <output>{JSON.stringify({ stage: progress?.stage, percent: progress?.progress, error, isConnected })}</output>;
}

const root = createRoot(document.body.appendChild(document.createElement("div")));
globalThis.mount = (taskId) =>
  root.render(
    <StrictMode>
      <Progress taskId={taskId} />
    </StrictMode>,
  );
globalThis.unmount = () => root.render(null);

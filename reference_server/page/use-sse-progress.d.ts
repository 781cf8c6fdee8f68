import type { ProgressOptions, ProgressState } from "./progress-client.js";

export function useSSEProgress(taskId: string | null | undefined, options?: ProgressOptions): ProgressState;

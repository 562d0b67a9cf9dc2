/**
 * `useSyncProgress(orgId)`: the live state of a sync for any Vue component. Each value is a ref of its own.
 *
 *     const { percent, step, connection, startSync } = useSyncProgress(123);
 *
 * A component that a server renders connects only in the browser.
 */
import {
  type ComputedRef,
  computed,
  type MaybeRefOrGetter,
  onMounted,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue';
import {
  lastingAccess,
  nothingWatched,
  type ProgressState,
  type ProgressWatch,
  progressState,
  type SyncProgressOptions,
  startFullSync,
  type Watched,
  watchProgress,
} from '../progress/progress-state.ts';

export type LiveSyncProgress = {
  readonly [Name in keyof ProgressState]: ComputedRef<ProgressState[Name]>;
} & {
  /**
   * Starts a full sync, or joins the one that is running.
   *
   * @throws Error with a message that may be shown
   */
  startSync(): Promise<void>;
};

/**
 * Call it in `setup`.
 *
 * @param orgId whole number; text is accepted
 */
export function useSyncProgress(
  orgId: MaybeRefOrGetter<number | string>,
  options: MaybeRefOrGetter<SyncProgressOptions> = {},
): LiveSyncProgress {
  const organizationId = computed(() => Number(toValue(orgId)));
  const baseUrl = computed(() => toValue(options).baseUrl ?? '');
  const access = () => toValue(options);
  const watched: ShallowRef<Watched> = shallowRef(nothingWatched(organizationId.value));
  const state = computed(() => progressState(watched.value, organizationId.value, access().texts));
  let opened: ProgressWatch | undefined;

  // The lifecycle of the component ends a watcher that is created in a hook of it.
  onMounted(() => {
    watch(
      [
        organizationId,
        baseUrl,
        () => access().getToken !== undefined,
        () => access().getStreamToken !== undefined,
      ],
      ([id, url, hasToken, hasStreamToken], _before, onCleanup) => {
        const lasting = lastingAccess({ hasToken, hasStreamToken }, access);
        const current = watchProgress(id, url, lasting, (now) => {
          watched.value = now;
        });
        opened = current;
        onCleanup(current.stop);
      },
      { immediate: true },
    );
  });

  return {
    progress: computed(() => state.value.progress),
    isKnown: computed(() => state.value.isKnown),
    percent: computed(() => state.value.percent),
    status: computed(() => state.value.status),
    nextAttemptAt: computed(() => state.value.nextAttemptAt),
    step: computed(() => state.value.step),
    problem: computed(() => state.value.problem),
    connection: computed(() => state.value.connection),
    async startSync() {
      const log = await startFullSync(organizationId.value, baseUrl.value, access());
      opened?.applyLog(log);
    },
  };
}

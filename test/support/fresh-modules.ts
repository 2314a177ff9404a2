import { vi } from 'vitest';

// Test files take turns in a few processes: loading CDK and the AWS clients takes longer than most of them. Nothing of
// ours is shared: each file loads the project's own modules, and what they hold, anew.
vi.resetModules();

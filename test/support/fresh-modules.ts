import { vi } from 'vitest';

// Test files share a few processes, because loading CDK and the AWS clients takes longer than most files. Each file loads
// the project's own modules anew, so that it shares no state with other files.
vi.resetModules();

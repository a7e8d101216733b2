// Not drawn yet.
export const title = () => 'jobs';
export const selection = () => ({ symbols: [], names: [] });
export const mount = () => ({});

// Not drawn yet.
export const title = () => 'chain';
export const selection = () => ({ symbols: [], names: [] });
export const mount = () => ({});

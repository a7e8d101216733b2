// Not drawn yet.
export const title = () => 'sectors';
export const selection = () => ({ symbols: [], names: [] });
export const mount = () => ({});

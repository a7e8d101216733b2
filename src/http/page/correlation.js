// Not drawn yet.
export const title = () => 'correlation';
export const selection = () => ({ symbols: [], names: [] });
export const mount = () => ({});

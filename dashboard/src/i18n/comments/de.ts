// The German texts for the comments of the contract, by their full names. A translator edits the files below de/, which
// have the English ones beside them; `npm run translations` brings them in line with the contract.

const files = import.meta.glob<Readonly<Record<string, string>>>("./de/**/*.po", { eager: true, import: "default" });

export default Object.assign({}, ...Object.values(files)) as Readonly<Record<string, string>>;

"""The one reader of files that come from outside: prompts, leakage files, evaluation sets, parallel text.

    File.of(path)              a file on any filesystem (engine.files.source)
    find_files(path, split)    the files of a folder, a glob or a saved data set (engine.files.folders)
    read_rows(file)            rows of JSON, JSON lines, CSV, TSV, Parquet, Arrow and text (engine.files.rows)
    read_lines(file)           lines of text (engine.files.decode)
    read_cells(file)           cells of TAB-separated lines without a header (engine.files.tables)
    read_json(file)            one whole JSON document (engine.files.json_text)

Rows and lines are streams: memory does not grow with the file. All of them raise nothing but UserError, which names
the file and, where there is one, the line or row.
"""

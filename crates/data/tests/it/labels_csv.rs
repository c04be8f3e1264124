use std::fs;

use deepeyes_data::Source;
use tempfile::{TempDir, tempdir};

use crate::folders::{grey, images};
use crate::{assert_says, opened, refused, train_bytes};

/// Four images, a.png to d.png, and a table.
fn folder(table: &str) -> TempDir {
    let dir = tempdir().unwrap();
    for (i, name) in ["a", "b", "c", "d"].iter().enumerate() {
        grey(&dir.path().join(format!("{name}.png")), 2, 2, i as u8);
    }
    fs::write(dir.path().join("labels.csv"), table).unwrap();
    dir
}

/// The error about a table; it must name the table.
fn refused_table(table: &str) -> String {
    let dir = folder(table);
    let error = refused(&images(&dir), dir.path());
    assert_says(&error, &["labels.csv"]);
    error
}

#[test]
fn the_table_says_what_is_what() {
    let table =
        "\u{feff}slide,File,class,split\r\n1,d.png,\"x, y\",train\r\n2,b.png,w,Test\r\n3,a.png,w,train\r\n";
    let dir = folder(table);
    let data = opened(&images(&dir));
    assert_eq!((data.train.labels(), data.validation.labels()), ([1, 0].as_slice(), [0].as_slice()));
    assert_eq!((data.classes.join("|"), train_bytes(&data, 0)), ("w|x, y".into(), vec![3; 4]));
}

#[test]
fn without_a_split_a_share_is_set_apart() {
    let dir = folder("file,label\na.png,0\nb.png,0\nc.png,1\nd.png,1\n");
    let data = opened(&images(&dir));
    assert_eq!((data.train.labels(), data.validation.labels()), ([0, 1].as_slice(), [0, 1].as_slice()));
}

#[test]
fn another_column_can_be_chosen() {
    let dir = folder("file,style,object\na.png,s,o\nb.png,s,p\nc.png,t,o\nd.png,t,p\n");
    let error = refused(&images(&dir), dir.path());
    assert_says(&error, &["file, style, object", "`class` or `label`", "images:DIR#COLUMN"]);
    for (column, classes) in [("style", ["s", "t"]), ("object", ["o", "p"])] {
        let source = format!("images:{}#{column}", dir.path().display()).parse::<Source>().unwrap();
        assert_eq!(opened(&source).classes, classes);
    }
    let source = format!("images:{}#colour", dir.path().display()).parse::<Source>().unwrap();
    assert_says(&refused(&source, dir.path()), &["no column `colour` among file, style, object"]);
}

#[test]
fn a_folder_may_have_the_mark_in_its_name() {
    let dir = tempdir().unwrap();
    for class in ["x", "y"] {
        (0..2).for_each(|i| grey(&dir.path().join("set#2").join(class).join(format!("{i}.png")), 2, 2, i));
    }
    let source = format!("images:{}#2", dir.path().join("set").display()).parse::<Source>().unwrap();
    assert_eq!(opened(&source).classes, ["x", "y"]);
}

#[test]
fn mistakes_are_named_with_their_line() {
    assert_says(&refused_table(""), &["empty", "file, class, split"]);
    assert_says(&refused_table("file,class\n"), &["no images"]);
    assert_says(&refused_table("name,class\na.png,x\n"), &["no column `file` among name, class"]);
    assert_says(&refused_table("file,class\na.png,x\nb.png\n"), &["line 3: 1 fields: the first line has 2"]);
    assert_says(&refused_table("file,class\na.png,\n"), &["line 2: no class"]);
    assert_says(&refused_table("file,class\n,x\n"), &["line 2: no file"]);
    assert_says(&refused_table("file,class\na.png,\"x\n"), &["line 2: a quoted field is not closed"]);
    let split = "file,class,split\na.png,x,train\nb.png,x,later\n";
    assert_says(&refused_table(split), &["line 3: split `later`", "train, val, validation or test"]);
    let twice = "file,class\na.png,x\n\nb.png,x\n./a.png,y\n";
    assert_says(&refused_table(twice), &["line 5: ./a.png is in line 2 already"]);
    let missing = "file,class\na.png,x\ny.png,x\nz.png,x\n";
    assert_says(&refused_table(missing), &["line 3: the file y.png does not exist (nor do 1 more)"]);
    let dir = folder("");
    fs::write(dir.path().join("labels.csv"), b"file,class\n\xff").unwrap();
    assert_says(&refused(&images(&dir), dir.path()), &["byte 11 is not UTF-8"]);
}
